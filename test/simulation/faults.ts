import type { Random } from './random.ts';
import type { FaultRates } from './world.ts';

/** What can befall one call, one message or one webhook. docs: the table of faults in the design. */
export const FAULTS = [
  'database crash before',
  'database crash after',
  'database request lost',
  'database answer lost',
  'database late',
  'database conflict',
  'database locked',
  'dataverse crash before',
  'dataverse crash after',
  'dataverse request lost',
  'dataverse answer lost',
  'dataverse late',
  'dataverse throttled',
  'dataverse server error',
  'dataverse unauthorized',
  'dataverse forbidden',
  'dataverse bare 404',
  'dataverse garbled',
  'queue crash before',
  'queue crash after',
  'queue request lost',
  'queue answer lost',
  'queue late',
  'message doubled',
  'webhook late',
  'webhook doubled',
  'webhook lost',
  'clock skewed',
] as const;

/**
 * How often somebody acts just while a call is under way that is about the same contact. Not a fault,
 * but where most defects live.
 */
const MEANWHILE_RATES = [0.1, 0.3, 0.6] as const;

/** How many kinds of fault a run knows, and how often each of them happens to a call. */
const STYLES = [
  { kinds: 0, rate: 0 },
  { kinds: 1, rate: 0.3 },
  { kinds: 2, rate: 0.2 },
  { kinds: 4, rate: 0.08 },
  { kinds: FAULTS.length, rate: 0.015 },
] as const;

/**
 * Few kinds of fault a run, each often: runs in which everything goes wrong at once never come far
 * enough to find what takes a few precise steps.
 */
export function faultRates(random: Random): FaultRates {
  const { kinds, rate } = random.pick('style', STYLES);
  const chosen = FAULTS.toSorted((a, b) => random.unit(`kind ${a}`) - random.unit(`kind ${b}`));
  return {
    ...Object.fromEntries(chosen.slice(0, kinds).map((fault) => [fault, rate])),
    meanwhile: random.pick('meanwhile', MEANWHILE_RATES),
  };
}
