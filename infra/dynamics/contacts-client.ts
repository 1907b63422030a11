import type { Cache } from '../../shared/cache/redis.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { createDataverseClient } from '../../shared/dataverse/client.ts';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import { createConsentStatusOptions } from '../../shared/dataverse/consent-status-options.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';

/** Besides a page, which has a time limit of its own. */
const TIMEOUT_MS = 10_000;

/** Of the few that the functions leave over (infra/dataverse-concurrency.ts). */
const PARALLEL_REQUESTS = 2;

/** A terminal has no part in the functions' Redis: it asks for tokens of its own. */
const NO_CACHE: Cache = {
  get: unavailable,
  getMany: unavailable,
  set: unavailable,
  setIfAbsent: unavailable,
  deleteIfEquals: unavailable,
};

async function unavailable(): Promise<never> {
  throw new Error('there is no cache');
}

/** The contacts of an organisation, for commands that read many of them. */
export function connectContacts(connection: DynamicsConnection) {
  const client = createDataverseClient({
    connection,
    tokens: createTokenSource({ connection, cache: NO_CACHE, fetch }),
    fetch,
    timeoutMs: TIMEOUT_MS,
    parallelRequests: PARALLEL_REQUESTS,
  });
  const optionValues = createConsentStatusOptions({
    client,
    cache: NO_CACHE,
    orgUrl: connection.orgUrl,
  });
  return {
    client,
    optionValues,
    readContacts: (contactIds: readonly string[]) => readContacts(client, contactIds, optionValues),
  };
}
