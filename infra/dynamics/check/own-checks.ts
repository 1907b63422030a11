import * as z from 'zod';
import type { WebApi } from '../../../shared/dataverse/web-api.ts';
import { read } from '../organization/connect.ts';
import { MESSAGES, MIRRORED_ATTRIBUTES } from '../organization/names.ts';
import type { OrganizationState } from '../organization/read-state.ts';
import type { OrganizationRow } from '../setup/organization-row.ts';
import type { CheckLine } from './report.ts';

/** `statuscode` of a system job that failed for good (asyncoperation.md). */
const FAILED = 31;
const DAY_MS = 86_400_000;
const SETUP = 'Run npm run dynamics -- setup.';

const jobs = z.object({ value: z.array(z.unknown()) });

/** Do the steps lead somewhere: to a plug-in with its secret, or to an endpoint? Pure. */
export function checkRegistration(state: OrganizationState): readonly CheckLine[] {
  const { assembly, pluginType, endpoint, secureConfig } = state;
  const offered = MESSAGES.filter((message) => state.messages.has(message));
  const unregistered = offered.filter((message) => !state.steps.get(message)?.enabled);
  const handlers = new Set([...state.steps.values()].map(({ handlerId }) => handlerId));
  const byEndpoint = endpoint !== undefined && handlers.has(endpoint.id);
  const byPlugin = pluginType !== undefined && handlers.has(pluginType.id);
  const missing = [
    ...(byEndpoint || byPlugin ? [] : ['a plug-in or an endpoint that the steps run']),
    ...(byPlugin && assembly === undefined ? ["the plug-in's assembly"] : []),
    ...unregistered.map((message) => `an enabled step for ${message}`),
  ];
  const unheard = MIRRORED_ATTRIBUTES.filter(
    (name) => !(state.steps.get('Update')?.filteringAttributes.includes(name) ?? true),
  );
  if (unheard.length > 0) missing.push(`changes of ${unheard.join(', ')} (filtering attributes)`);
  const registration = line(
    'registration',
    missing,
    byEndpoint ? 'The steps send to a registered webhook.' : 'The steps run the plug-in.',
  );
  if (!byPlugin) return [registration];
  return [
    registration,
    line(
      'secret',
      secureConfig === undefined || secureConfig.text === ''
        ? ['the secure configuration of the steps, which does not travel with a solution']
        : [],
      secureConfig?.text === undefined
        ? 'The steps have a secure configuration (whose content may not be read).'
        : 'The steps have a secure configuration.',
    ),
  ];
}

/** Have webhooks been lost in the last day? @throws DataverseError */
export async function checkLostEvents(
  api: WebApi,
  state: OrganizationState,
  nowMs: number,
): Promise<CheckLine> {
  const name = 'lost events';
  const ids = [...state.steps.values()].map(({ id }) => `_owningextensionid_value eq ${id}`);
  const since = new Date(nowMs - DAY_MS).toISOString();
  const filter = `statuscode eq ${FAILED} and completedon ge ${since} and (${ids.join(' or ')})`;
  const lost =
    ids.length === 0
      ? 0
      : (
          await read(
            api,
            `asyncoperations?$select=asyncoperationid&$filter=${encodeURIComponent(filter)}`,
            jobs,
          )
        ).value.length;
  return lost === 0
    ? { name, ok: true, message: 'No webhook was lost in the last day.', remedy: null }
    : {
        name,
        ok: false,
        message: `${lost} webhooks were lost in the last day (failed system jobs).`,
        remedy:
          'Their messages say why: Settings, System Jobs, in the advanced settings. 401 on all of them: the secrets differ, or one side is set up for a header and the other for signatures. The contacts come right by themselves with the next reconciliation.',
      };
}

/** Does ConsentHub know the organisation? Pure. */
export function checkOrganizationRow(
  rows: readonly OrganizationRow[],
  dataverseId: string,
): CheckLine {
  const known = rows.some(({ dynamicsOrgId }) => dynamicsOrgId === dataverseId);
  return line(
    'organisation row',
    known ? [] : [`a row of organizations in ConsentHub with the dynamics_org_id ${dataverseId}`],
    'ConsentHub knows the organisation.',
  );
}

function line(name: string, missing: readonly string[], good: string): CheckLine {
  return missing.length === 0
    ? { name, ok: true, message: good, remedy: null }
    : { name, ok: false, message: `Missing: ${missing.join('; ')}.`, remedy: SETUP };
}
