import { ACTION_NAMES, type ActionName } from './action-names.ts';
import type { Outage } from './dataverse.ts';
import type { Random } from './random.ts';

/** What can befall one call, one message or one webhook. The table: test/reliability/catalogue.ts. */
export const FAULTS = [
  'database crash before',
  'database crash after',
  'database request lost',
  'database answer lost',
  'database late',
  'database slow',
  'database conflict',
  'database locked',
  'dataverse crash before',
  'dataverse crash after',
  'dataverse request lost',
  'dataverse answer lost',
  'dataverse late',
  'dataverse slow',
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
  'queue slow',
  'redis crash before',
  'redis crash after',
  'redis request lost',
  'redis answer lost',
  'redis late',
  'redis slow',
  'redis down',
  'redis garbage',
  'entra crash before',
  'entra crash after',
  'entra request lost',
  'entra answer lost',
  'entra late',
  'entra slow',
  'entra server error',
  'entra refused',
  'secrets unavailable',
  'message doubled',
  'webhook late',
  'webhook doubled',
  'webhook lost',
  'clock skewed',
] as const;

export type FaultKind = (typeof FAULTS)[number];

/** Calls that a fault can be aimed at, by the word that their label begins with. */
export const CALLS = {
  database: [
    'read-contacts',
    'apply-contacts',
    'find-consent-events',
    'claim-contacts',
    'settle-contact',
    'release-contact',
    'claim-due-contacts',
    'end-doubts',
    'expire-consents',
  ],
  dataverse: ['GET', 'PATCH', 'UpdateMultiple'],
  queue: ['contact-events', 'consent-events'],
  redis: ['redis.get', 'redis.getMany', 'redis.set', 'redis.setIfAbsent', 'redis.deleteIfEquals'],
  entra: ['token'],
} as const;

/** What a run is about: the rarer a history, the more precisely chance has to be aimed. */
export interface Focus {
  /** Faults of one kind of call, and how often they befall it. */
  readonly faults: readonly {
    readonly call: string;
    readonly kind: FaultKind;
    readonly rate: number;
  }[];
  /** So many contacts; without it one or two. */
  readonly contacts?: number;
  /** Dataverse is away for as long as this from the first action on, while people go on acting. */
  readonly outage?: { readonly kind: Outage; readonly lastsMs: number };
  /** Two contacts of one person come at the same time, and one patient that may be theirs. */
  readonly namesakes?: boolean;
  /** Without the reconciler, which would mend it all, if minutes later. */
  readonly unreconciled?: boolean;
  /** Calls in the middle of which somebody acts. */
  readonly meanwhile: readonly string[];
  /** What people do; everything, if it is left out. */
  readonly cast?: readonly ActionName[] | undefined;
}

/** How often a fault of this kind befalls the call, message or webhook with that label. */
export type FaultRate = (kind: string, label: string) => number;

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

/** In so many runs faults are aimed at single kinds of call. */
const FOCUSED = 0.5;
const FOCUS_FAULTS = [1, 2, 2, 3] as const;
const FOCUS_MEANWHILE_RATE = 0.5;
const FOCUS_RATES = [0.3, 0.6, 0.9] as const;
const MEANWHILE_CALLS = [...CALLS.dataverse, ...CALLS.database.slice(0, 6)] as const;
/** People who do few kinds of things do each of them often. */
const CAST_SIZES = [1, 2, 3] as const;

/** What this run is about; undefined: everything a little. */
export function chooseFocus(random: Random): Focus | undefined {
  if (!random.chance('focused', FOCUSED)) return undefined;
  const targets = Object.entries(CALLS).flatMap(([target, calls]) =>
    calls.flatMap((call) =>
      FAULTS.filter((kind) => kind.startsWith(`${target} `)).map((kind) => ({ call, kind })),
    ),
  );
  const inOrder = <T>(name: string, all: readonly T[]) =>
    all
      .map((one, index) => ({ one, place: random.unit(`${name} ${index}`) }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ one }) => one);
  const rate = random.pick('focus rate', FOCUS_RATES);
  return {
    faults: inOrder('focus', targets)
      .slice(0, random.pick('focus faults', FOCUS_FAULTS))
      .map((target) => ({ ...target, rate })),
    meanwhile: inOrder('meanwhile', MEANWHILE_CALLS).slice(0, 1),
    cast: inOrder('cast', ACTION_NAMES).slice(0, random.pick('cast size', CAST_SIZES)),
  };
}

/**
 * Without a focus, few kinds of fault a run, each often: runs in which everything goes wrong at once
 * never come far enough to find what takes a few precise steps.
 */
export function faultRate(random: Random, focus: Focus | undefined): FaultRate {
  const meanwhile = random.pick('meanwhile', MEANWHILE_RATES);
  if (focus !== undefined) {
    return (kind, label) =>
      kind === 'meanwhile'
        ? focus.meanwhile.some((call) => label.startsWith(call))
          ? FOCUS_MEANWHILE_RATE
          : 0
        : Math.max(
            0,
            ...focus.faults
              .filter((fault) => fault.kind === kind && label.startsWith(fault.call))
              .map((fault) => fault.rate),
          );
  }
  const { kinds, rate } = random.pick('style', STYLES);
  const chosen: ReadonlySet<string> = new Set(
    FAULTS.toSorted((a, b) => random.unit(`kind ${a}`) - random.unit(`kind ${b}`)).slice(0, kinds),
  );
  return (kind) => (kind === 'meanwhile' ? meanwhile : chosen.has(kind) ? rate : 0);
}
