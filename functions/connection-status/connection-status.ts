import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { SyncStatus } from '../../shared/sync-status/sync-status-store.ts';
import {
  type Answer,
  type ConnectionStatus,
  decideStatus,
  type Findings,
  NoAnswerInTime,
  NotConfigured,
  type QueueCounts,
} from './decide-status.ts';

/** Two seconds are promised; the rest is for the gateway, a cold start and putting the answer together. */
export const DEADLINE_MS = 1_400;

/** However many people look at the page, each container asks no more often than this. */
export const CACHED_MS = 3_000;

/** Whom a status asks. Everything may throw, and may take its time. */
export interface StatusSources {
  readonly orgUrl: string;
  readonly token: () => Promise<{ readonly expiresAtMs: number }>;
  readonly whoAmI: () => Promise<{ readonly organizationId: string }>;
  readonly organizationName: (organizationId: string) => Promise<string>;
  readonly missingColumns: () => Promise<readonly string[]>;
  /** Whether ConsentHub knows this organisation. */
  readonly isKnown: (organizationId: string) => Promise<boolean>;
  readonly sync: () => Promise<SyncStatus>;
  readonly contactQueues: () => Promise<QueueCounts>;
  readonly consentQueues: () => Promise<QueueCounts>;
  /** Rejects if the cache does not answer. */
  readonly cache: () => Promise<unknown>;
}

export interface ConnectionStatusDependencies {
  /** Reads configuration and secrets. */
  readonly connect: () => Promise<StatusSources>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or when it is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<unknown>;
  readonly log: Log;
}

export interface StatusResponse {
  readonly statusCode: 200 | 503;
  readonly body: ConnectionStatus;
}

/**
 * Is the connection alive, and how far behind are we? All questions are asked at the same time under
 * one deadline; what fails or does not come in time becomes a problem in the answer. Never throws.
 */
export function createConnectionStatus(dependencies: ConnectionStatusDependencies) {
  const { connect, now, wait, log } = dependencies;
  let last: { readonly atMs: number; readonly response: StatusResponse } | undefined;

  return async (): Promise<StatusResponse> => {
    const atMs = now();
    if (last !== undefined && atMs - last.atMs < CACHED_MS) return last.response;
    const body = decideStatus(await ask(), new Date(atMs));
    log(messages.connectionChecked, {
      outcome: body.status,
      latencyMs: body.latencyMs ?? undefined,
      fields: body.problems.map(({ code }) => code),
    });
    const response = { statusCode: body.status === 'disconnected' ? 503 : 200, body } as const;
    last = { atMs, response };
    return response;
  };

  async function ask(): Promise<Findings> {
    const done = new AbortController();
    const deadline = wait(DEADLINE_MS, done.signal).then((): Answer<never> => {
      return { ok: false, error: new NoAnswerInTime() };
    });
    const inTime = <T>(work: Promise<T>): Promise<Answer<T>> =>
      Promise.race([answerOf(work), deadline]);

    const connected = connect().catch((error: unknown) => {
      log(messages.statusNotConfigured, describeError(error));
      throw new NotConfigured();
    });
    const from = <T>(question: (sources: StatusSources) => Promise<T>) => connected.then(question);
    const organization = from(async ({ token, whoAmI }) => {
      // What a token costs is no latency of Dataverse.
      await token();
      const begunMs = now();
      const { organizationId } = await whoAmI();
      return { id: organizationId, latencyMs: now() - begunMs };
    });
    try {
      const [url, token, identity, name, missingColumns, known, sync, contacts, consents, cache] =
        await Promise.all([
          inTime(from(async ({ orgUrl }) => orgUrl)),
          inTime(
            from(async (sources) => ({ expiresAt: new Date((await sources.token()).expiresAtMs) })),
          ),
          inTime(organization),
          inTime(from(async (sources) => sources.organizationName((await organization).id))),
          inTime(from((sources) => sources.missingColumns())),
          inTime(from(async (sources) => sources.isKnown((await organization).id))),
          inTime(from((sources) => sources.sync())),
          inTime(from((sources) => sources.contactQueues())),
          inTime(from((sources) => sources.consentQueues())),
          inTime(from((sources) => sources.cache())),
        ]);
      return {
        orgUrl: url.ok ? url.value : null,
        token,
        organization: identity,
        organizationName: name,
        missingColumns,
        organizationKnown: known,
        sync,
        contactQueues: contacts,
        consentQueues: consents,
        cache,
      };
    } finally {
      done.abort();
    }
  }
}

async function answerOf<T>(work: Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}
