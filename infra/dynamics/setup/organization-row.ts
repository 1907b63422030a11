import * as z from 'zod';
import type { Database } from '../../../shared/database/database.ts';
import type { Action } from './action.ts';

/** ConsentHub's organisations, as far as the connection goes. */
export interface OrganizationRow {
  readonly id: string;
  readonly name: string | null;
  /** In lower case; null while it has no Dynamics. */
  readonly dynamicsOrgId: string | null;
}

/** What happens to ConsentHub's table `organizations`. */
export interface RowDecision {
  readonly action: Action;
  readonly name: string;
  readonly detail?: string;
  /** The row that gets the id; absent with `create`: a new one. */
  readonly attachTo?: string;
}

const LIST = `
  select id::text as id, name::text as name, lower(dynamics_org_id::text) as "dynamicsOrgId"
  from organizations order by name, id`;

const CREATE = `
  insert into organizations (name, dynamics_org_id, azure_tenant_id) values ($1, $2, $3)`;

// Only while it has none: what somebody else attached meanwhile stays.
const ATTACH = `
  update organizations
  set dynamics_org_id = $2, azure_tenant_id = coalesce(azure_tenant_id, $3)
  where id = $1::uuid and dynamics_org_id is null`;

const rows = z.array(
  z.object({ id: z.string(), name: z.string().nullable(), dynamicsOrgId: z.string().nullable() }),
);

/** @throws DatabaseUnavailable, DatabaseConflict */
export async function readOrganizationRows(
  database: Database,
): Promise<readonly OrganizationRow[]> {
  return rows.parse(await database.query(LIST, []));
}

/**
 * Which of ConsentHub's organisations the Dataverse organisation belongs to. The only one without a
 * Dynamics is taken; among several somebody has to choose; in an empty table one is made. ConsentHub makes
 * its organisations itself, so beside others none is made up. Pure.
 *
 * @param requested ConsentHub's id of the organisation (`--organization`), in lower case
 */
export function decideOrganizationRow(
  known: readonly OrganizationRow[],
  dataverse: { readonly id: string; readonly name: string },
  requested: string | undefined,
): RowDecision {
  const mine = known.find(({ dynamicsOrgId }) => dynamicsOrgId === dataverse.id);
  if (mine !== undefined) {
    return requested === undefined || requested === mine.id
      ? { action: 'keep', name: nameOf(mine) }
      : stop(nameOf(mine), `belongs to this Dynamics already, not ${requested}`);
  }
  if (requested !== undefined) {
    const chosen = known.find(({ id }) => id === requested);
    if (chosen === undefined) return stop(requested, 'ConsentHub has no organisation with this id');
    if (chosen.dynamicsOrgId !== null) {
      return stop(nameOf(chosen), 'belongs to another Dynamics already');
    }
    return attach(chosen, dataverse.id);
  }
  const free = known.filter(({ dynamicsOrgId }) => dynamicsOrgId === null);
  const [only] = free;
  if (free.length === 1 && only !== undefined) return attach(only, dataverse.id);
  if (free.length > 1) {
    const ids = free.map((row) => `${row.id} (${nameOf(row)})`).join(', ');
    return stop(dataverse.name, `say which one it is: --organization, one of ${ids}`);
  }
  if (known.length > 0) {
    return stop(
      dataverse.name,
      'every organisation of ConsentHub belongs to another Dynamics: make one in ConsentHub first',
    );
  }
  return { action: 'create', name: dataverse.name, detail: `for Dynamics ${dataverse.id}` };
}

/** Carries a decision out. */
export async function writeOrganizationRow(
  database: Database,
  decision: RowDecision,
  dataverse: { readonly id: string; readonly name: string; readonly tenantId: string },
): Promise<void> {
  const { id, name, tenantId } = dataverse;
  if (decision.attachTo !== undefined) {
    await database.query(ATTACH, [decision.attachTo, id, tenantId]);
  } else if (decision.action === 'create') {
    await database.query(CREATE, [name, id, tenantId]);
  }
}

const nameOf = ({ id, name }: OrganizationRow): string => name ?? id;
const stop = (name: string, detail: string): RowDecision => ({ action: 'stop', name, detail });
const attach = (row: OrganizationRow, dataverseId: string): RowDecision => ({
  action: 'change',
  name: nameOf(row),
  detail: `gets Dynamics ${dataverseId}`,
  attachTo: row.id,
});
