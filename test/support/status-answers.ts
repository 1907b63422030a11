import type { ConnectionStatus } from '../../functions/connection-status/decide-status.ts';
import type { Check, CheckName } from '../../shared/connection-test/checks.ts';

/** Bodies as the functions answer them: their own types, so that the two cannot drift apart unnoticed. */
export type StatusBody = ConnectionStatus;

export interface TestBody {
  readonly ok: boolean;
  readonly organization: { id: string; name: string; url: string; version: string };
  readonly user: { id: string };
  readonly checks: readonly Check[];
}

const CHECKED_AT_MS = Date.parse('2026-11-25T20:15:00.000Z');

/** @param checkedAtMs by the server's clock; everything else is told from there. */
export function connectedBody(checkedAtMs = CHECKED_AT_MS): StatusBody {
  const before = (seconds: number) => new Date(checkedAtMs - seconds * 1_000).toISOString();
  return {
    status: 'connected',
    organization: {
      id: '0a000000-0000-4000-8000-000000000001',
      name: 'Fictitious Clinic',
      url: 'https://fictitious-clinic.crm4.dynamics.com',
    },
    checkedAt: before(0),
    latencyMs: 141,
    token: { expiresAt: before(-52 * 60) },
    schema: { ok: true, missing: [] },
    sync: {
      contacts: {
        lastSuccessAt: before(12),
        waiting: 0,
        due: 0,
        oldestSeconds: null,
        deadLettered: 0,
      },
      consents: {
        lastSuccessAt: before(4 * 60),
        waiting: 3,
        due: 2,
        oldestSeconds: 45,
        deadLettered: 0,
      },
    },
    problems: [],
  };
}

/** Connected, and new: nothing has gone either way. */
export function emptyBody(checkedAtMs = CHECKED_AT_MS): StatusBody {
  const body = connectedBody(checkedAtMs);
  const idle = { lastSuccessAt: null, waiting: 0, due: 0, oldestSeconds: null, deadLettered: 0 };
  return { ...body, sync: { contacts: idle, consents: idle } };
}

export function degradedBody(checkedAtMs = CHECKED_AT_MS): StatusBody {
  const body = connectedBody(checkedAtMs);
  return {
    ...body,
    status: 'degraded',
    schema: { ok: false, missing: ['ch_last_sync'] },
    sync: {
      contacts: { ...body.sync.contacts, deadLettered: 1 },
      consents: { ...body.sync.consents, waiting: 1_240, due: 87, oldestSeconds: 412 },
    },
    problems: [
      {
        code: 'column_missing',
        message: 'The contact table lacks what consents are written to: ch_last_sync.',
        remedy:
          'Create what is missing in the contact table, with the publisher prefix ch, and publish it.',
      },
      {
        code: 'dead_letters',
        message: 'One event could not be understood or belongs to nobody.',
        remedy: 'Read the attribute reason of the messages in the dead-letter queues.',
      },
    ],
  };
}

export function pausedBody(checkedAtMs = CHECKED_AT_MS): StatusBody {
  return {
    ...connectedBody(checkedAtMs),
    status: 'paused',
    latencyMs: null,
    problems: [
      {
        code: 'connection_throttled',
        message: 'Dataverse or Entra ID asks for fewer requests, so the connection is paused.',
        remedy: 'Nothing to do: it resumes by itself and nothing is lost.',
      },
    ],
  };
}

export function disconnectedBody(checkedAtMs = CHECKED_AT_MS): StatusBody {
  const body = connectedBody(checkedAtMs);
  const unknown = { lastSuccessAt: null, waiting: 7, due: null, oldestSeconds: null };
  return {
    ...body,
    status: 'disconnected',
    organization: { id: null, name: null, url: body.organization.url },
    latencyMs: null,
    token: { expiresAt: null },
    schema: { ok: false, missing: [] },
    sync: {
      contacts: { ...unknown, deadLettered: null },
      consents: { ...unknown, deadLettered: null },
    },
    problems: [
      {
        code: 'client_secret_expired',
        message: 'The client secret has expired (AADSTS7000222).',
        remedy:
          'Make a new client secret under Certificates & secrets of the app registration and put it into the secret consenthub-dynamics/dynamics-client-secret.',
      },
      {
        code: 'database_unavailable',
        message: 'The database does not answer.',
        remedy: 'Look at the status of the Neon project.',
      },
    ],
  };
}

const CHECKS: Readonly<Record<CheckName, string>> = {
  token: 'Entra ID gives out a token.',
  reachability: 'The organisation answers and knows the application user.',
  read: 'All contacts of the organisation can be read.',
  write: 'Contacts can be changed. (Tried on one that does not exist.)',
  fields: 'The contact table has all columns that consents are written to.',
  changeTracking: 'Changes of contacts are tracked.',
  webhook: 'The steps that send webhooks are registered and enabled.',
};

/** @param failed what is wrong with which check; the others pass. */
export function testBody(
  failed: Partial<Record<CheckName, { message: string; remedy: string }>> = {},
): TestBody {
  const names = Object.keys(CHECKS) as CheckName[];
  const checks = names.map((name) => {
    const problem = failed[name];
    return problem === undefined
      ? { name, ok: true, message: CHECKS[name], remedy: null }
      : { name, ok: false, ...problem };
  });
  return {
    ok: checks.every(({ ok }) => ok),
    organization: {
      id: '0a000000-0000-4000-8000-000000000001',
      name: 'Fictitious Clinic',
      url: 'https://fictitious-clinic.crm4.dynamics.com',
      version: '9.2.24112.191',
    },
    user: { id: '0a000000-0000-4000-8000-000000000002' },
    checks,
  };
}
