import {
  ConnectionPaused,
  DataverseForbidden,
  DataverseUnavailable,
  TokenUnavailable,
} from '../../shared/dataverse/errors.ts';
import { columnsMissing, type Problem, problemOf } from '../../shared/dataverse/problem.ts';
import { PROBLEMS } from '../../shared/reconcile/describe-problem.ts';
import {
  type DirectionStatus,
  MAX_PATIENTS_TO_MERGE,
  type SyncStatus,
} from '../../shared/sync-status/sync-status-store.ts';

/** What became of one question. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** The question was still open when an answer had to be given. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
}

/** What the function needs to ask anything could not be had: its configuration, or a secret. */
export class NotConfigured extends Error {
  override readonly name = 'NotConfigured';
}

export interface QueueCounts {
  readonly waiting: number;
  readonly deadLettered: number;
}

/** Everything that was asked, whatever became of it. */
export interface Findings {
  /** Null if the configuration could not be read. */
  readonly orgUrl: string | null;
  readonly token: Answer<{ readonly expiresAt: Date }>;
  /** Latency of one request to Dataverse, in milliseconds. */
  readonly organization: Answer<{ readonly id: string; readonly latencyMs: number }>;
  readonly organizationName: Answer<string>;
  /** What the custom columns lack. */
  readonly missingColumns: Answer<readonly string[]>;
  /** Whether exactly one of ConsentHub's organisations has it; fails as well where nobody knows which it is. */
  readonly organizationKnown: Answer<boolean>;
  readonly sync: Answer<SyncStatus>;
  readonly contactQueues: Answer<QueueCounts>;
  readonly consentQueues: Answer<QueueCounts>;
  readonly cache: Answer<unknown>;
}

export type ConnectionState = 'connected' | 'degraded' | 'disconnected' | 'paused';

/** One direction; null where it could not be found out. */
interface DirectionView {
  readonly lastSuccessAt: string | null;
  /** Messages in the queue that nobody has in hand. */
  readonly waiting: number | null;
  /** Rows whose clock is due. */
  readonly due: number | null;
  /** How long the longest of them has been due; null if none is. */
  readonly oldestSeconds: number | null;
  readonly deadLettered: number | null;
}

export interface ConnectionStatus {
  readonly status: ConnectionState;
  readonly organization: {
    readonly id: string | null;
    readonly name: string | null;
    readonly url: string | null;
  };
  readonly checkedAt: string;
  readonly latencyMs: number | null;
  readonly token: { readonly expiresAt: string | null };
  readonly schema: { readonly ok: boolean; readonly missing: readonly string[] };
  readonly sync: { readonly contacts: DirectionView; readonly consents: DirectionView };
  readonly problems: readonly Problem[];
}

/** The sweep rings for a due row within a minute or two; what is due for longer than this is stuck. */
const BEHIND_SECONDS = 300;

/** What the findings amount to. Never shows what an error said. */
export function decideStatus(findings: Findings, checkedAt: Date): ConnectionStatus {
  const { orgUrl, token, organization, organizationName, missingColumns } = findings;
  const problems = withoutDoubles([
    ...problemsOf(token, NO_TOKEN),
    // Without a token nothing else can be asked of Dataverse.
    ...(token.ok
      ? [organization, organizationName, missingColumns].flatMap((answer) =>
          problemsOf(answer, NO_DATAVERSE),
        )
      : []),
    ...(missingColumns.ok && missingColumns.value.length > 0
      ? [columnsMissing(missingColumns.value)]
      : []),
    ...(findings.organizationKnown.ok && !findings.organizationKnown.value
      ? [UNKNOWN_ORGANIZATION]
      : []),
    ...problemsOf(findings.sync, NO_DATABASE, NO_DATABASE),
    ...problemsOf(findings.contactQueues, NO_QUEUES, NO_QUEUES),
    ...problemsOf(findings.consentQueues, NO_QUEUES, NO_QUEUES),
    ...problemsOf(findings.cache, NO_CACHE, NO_CACHE),
    ...deadLetters(findings),
    ...behind(findings),
    ...(findings.sync.ok ? findings.sync.value.trackingProblems.map((name) => PROBLEMS[name]) : []),
    ...patientsToMerge(findings),
  ]);
  return {
    status: stateOf(findings, problems),
    organization: {
      id: organization.ok ? organization.value.id : null,
      name: organizationName.ok ? organizationName.value : null,
      url: orgUrl,
    },
    checkedAt: checkedAt.toISOString(),
    latencyMs: organization.ok ? organization.value.latencyMs : null,
    token: { expiresAt: token.ok ? token.value.expiresAt.toISOString() : null },
    schema: {
      ok: missingColumns.ok && missingColumns.value.length === 0,
      missing: missingColumns.ok ? missingColumns.value : [],
    },
    sync: {
      contacts: direction(findings.sync, 'contacts', findings.contactQueues),
      consents: direction(findings.sync, 'consents', findings.consentQueues),
    },
    problems,
  };
}

function stateOf({ token, organization }: Findings, problems: readonly Problem[]): ConnectionState {
  const errors = [token, organization].flatMap((answer) => (answer.ok ? [] : [answer.error]));
  if (errors.some(isPause)) return 'paused';
  // A refusal to the application user comes from an organisation that was reached.
  if (errors.some((error) => !(error instanceof DataverseForbidden))) return 'disconnected';
  return problems.length > 0 ? 'degraded' : 'connected';
}

/** Somebody asks us to wait, or we wait by ourselves. Refused credentials are waited for too, but no token is to be had. */
function isPause(error: unknown): boolean {
  if (error instanceof ConnectionPaused) return error.reason !== 'credentials-refused';
  return (
    error instanceof DataverseUnavailable &&
    !(error instanceof TokenUnavailable) &&
    error.reason === 'throttled'
  );
}

function direction(
  sync: Findings['sync'],
  name: 'contacts' | 'consents',
  queues: Answer<QueueCounts>,
): DirectionView {
  const rows: DirectionStatus | undefined = sync.ok ? sync.value[name] : undefined;
  return {
    lastSuccessAt: rows?.lastSuccessAt?.toISOString() ?? null,
    waiting: queues.ok ? queues.value.waiting : null,
    due: rows?.due ?? null,
    oldestSeconds: rows?.oldestSeconds ?? null,
    deadLettered: queues.ok ? queues.value.deadLettered : null,
  };
}

const NO_TOKEN: Problem = {
  code: 'entra_slow',
  message: 'Entra ID has not answered in time.',
  remedy: 'Ask again in a minute. If it lasts, look at the service health of Microsoft 365.',
};
const NO_DATAVERSE: Problem = {
  code: 'organization_slow',
  message: 'The organisation has not answered in time.',
  remedy: 'Ask again in a minute. If it lasts, look at the service health of Microsoft 365.',
};
const UNKNOWN_ORGANIZATION: Problem = {
  code: 'organization_unknown',
  message:
    'No organisation of ConsentHub, or more than one, has this Dynamics. Nothing of it is applied, and its events are put aside.',
  remedy:
    "Either the connection leads to the wrong organisation, or ConsentHub's row lacks its id: npm run dynamics -- check says which id, setup writes it. Then redrive the dead letters.",
};
const NO_DATABASE: Problem = {
  code: 'database_unavailable',
  message: 'The database does not answer.',
  remedy:
    'Look at the status of the Neon project, and at the secret consenthub-dynamics/database-url. Events wait in the queues meanwhile.',
};
const NO_QUEUES: Problem = {
  code: 'queues_unavailable',
  message: 'The queues cannot be counted.',
  remedy: 'Look at the AWS health dashboard for SQS in the region of this deployment.',
};
const NO_CACHE: Problem = {
  code: 'cache_unavailable',
  message: 'Redis does not answer.',
  remedy:
    'Look at the Upstash database and at the secret consenthub-dynamics/upstash-redis-rest-token. Nothing is lost: each container asks for a token of its own meanwhile.',
};
const NOT_CONFIGURED: Problem = {
  code: 'configuration_unusable',
  message: 'The configuration or one of its secrets cannot be used.',
  remedy:
    'Look for the code ST-004 in the log of connection-status: it names the variable or the secret.',
};

/**
 * @param slow what it means that there was no answer in time
 * @param failed what any failure means; absent: the error says
 */
function problemsOf(answer: Answer<unknown>, slow: Problem, failed?: Problem): Problem[] {
  if (answer.ok) return [];
  if (answer.error instanceof NotConfigured) return [NOT_CONFIGURED];
  if (answer.error instanceof NoAnswerInTime) return [slow];
  return [failed ?? problemOf(answer.error)];
}

function deadLetters({ contactQueues, consentQueues }: Findings): Problem[] {
  const count = [contactQueues, consentQueues].reduce(
    (sum, queues) => sum + (queues.ok ? queues.value.deadLettered : 0),
    0,
  );
  if (count === 0) return [];
  return [
    {
      code: 'dead_letters',
      message:
        count === 1
          ? 'One event could not be understood or belongs to nobody.'
          : `${count} events could not be understood or belong to nobody.`,
      remedy:
        'Look at them with npm run ops -- dead-letters list: it says why each was put aside. Mend the cause, then redrive them.',
    },
  ];
}

function behind({ sync }: Findings): Problem[] {
  if (!sync.ok) return [];
  const oldest = Math.max(
    sync.value.contacts.oldestSeconds ?? 0,
    sync.value.consents.oldestSeconds ?? 0,
  );
  if (oldest <= BEHIND_SECONDS) return [];
  return [
    {
      code: 'sync_behind',
      message: `A contact has been waiting for ${oldest} seconds.`,
      remedy:
        'Look at the logs of sweep, sync-contact and sync-consent. After a great many expiries at once it comes right by itself.',
    },
  ];
}

function patientsToMerge({ sync }: Findings): Problem[] {
  if (!sync.ok || sync.value.patientsToMerge === 0) return [];
  const count = sync.value.patientsToMerge;
  const contacts = count === 1 ? 'contact was' : 'contacts were';
  return [
    {
      code: 'patients_to_merge',
      message: `${count}${count < MAX_PATIENTS_TO_MERGE ? '' : ' or more'} ${contacts} merged in Dynamics while the patients are still two. Of their consents the most restrictive hold.`,
      remedy:
        'Merge the patients in ConsentHub, or delete the one that is not needed. The log line CO-006 names the contacts.',
    },
  ];
}

function withoutDoubles(problems: readonly Problem[]): readonly Problem[] {
  return [
    ...new Map(problems.toReversed().map((problem) => [problem.code, problem])).values(),
  ].toReversed();
}
