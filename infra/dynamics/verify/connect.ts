import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createDatabase } from '../../../shared/database/database.ts';
import { MAX_PAGE_SIZE } from '../../../shared/dataverse/client.ts';
import { createVerify } from '../../../shared/verify/verify.ts';
import { createVerifyStore, type DifferingContact } from '../../../shared/verify/verify-store.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { connectContacts } from '../contacts-client.ts';
import { readOrganizationRows } from '../setup/organization-row.ts';
import type { Target } from '../target.ts';

/** A sample is drawn from all rows: seconds, in a table of millions. */
const STATEMENT_TIMEOUT_MS = 60_000;

/**
 * The comparison for a terminal, and what mends what it finds.
 *
 * @throws CommandError where it is not known whose contacts they are; DataverseError, and as `Database` does
 */
export async function connectVerify(
  { dynamics, database }: Target<'dynamics' | 'database'>,
  interruption: AbortSignal,
) {
  const { client, optionValues, readContacts } = connectContacts(dynamics);
  const sql = createDatabase({ ...database, timeoutMs: STATEMENT_TIMEOUT_MS });
  const { organizationId: dataverseOrganizationId } = await client.whoAmI();
  const mine = (await readOrganizationRows(sql)).filter(
    ({ dynamicsOrgId }) => dynamicsOrgId === dataverseOrganizationId,
  );
  const [only] = mine;
  if (only === undefined || mine.length > 1) {
    throw new CommandError(
      'No organisation of ConsentHub, or more than one, has this Dynamics (organizations.dynamics_org_id). See: npm run dynamics -- check',
    );
  }
  const store = createVerifyStore(sql, { organizationId: only.id, newId: randomUUID });
  return {
    estimateContacts: () => client.estimateContacts(),
    repair: (contacts: readonly DifferingContact[], before: number) =>
      store.repair(contacts, before),
    verify: createVerify({
      store,
      dataverse: client,
      readContacts,
      optionValues,
      pageSize: MAX_PAGE_SIZE,
      // Whoever interrupts does not wait for the end of a moment.
      wait: (ms) => setTimeout(ms, undefined, { signal: interruption }).catch(() => undefined),
    }),
  };
}
