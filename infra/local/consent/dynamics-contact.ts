import type { Cache } from '../../../shared/cache/redis.ts';
import {
  type ConsentFieldsRead,
  type ConsentStatusOptions,
} from '../../../shared/dataverse/consent-columns.ts';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import { CommandError } from '../../command-line/command-error.ts';
import type { RunningStack } from './running-stack.ts';

const TIMEOUT_MS = 5000;

/** The consent fields of a contact, and what the values of its option set mean there. */
export interface ShownConsent {
  readonly fields: ConsentFieldsRead;
  readonly options: ConsentStatusOptions;
}

/**
 * Reads contacts as any client of Dynamics does: a token from Entra ID, then the Web API.
 *
 * @returns a function that reads one contact; undefined while Dynamics does not answer. It throws
 *   CommandError if the contact is gone, and what else is wrong with the connection.
 */
export function createContactReader(
  stack: RunningStack,
): (contactId: string) => Promise<ShownConsent | undefined> {
  const connection = {
    orgUrl: stack.dataverseUrl,
    authorityUrl: stack.entraUrl,
    tenantId: stack.tenantId,
    clientId: stack.clientId,
    clientSecret: stack.clientSecret,
  };
  // One short-lived process: its token is shared with nobody.
  const cache: Cache = {
    get: async () => null,
    getMany: async (keys) => keys.map(() => null),
    set: async () => {},
    setIfAbsent: async () => true,
    deleteIfEquals: async () => false,
  };
  const client = createDataverseClient({
    connection,
    tokens: createTokenSource({ connection, cache, fetch }),
    fetch,
    timeoutMs: TIMEOUT_MS,
    parallelRequests: 1,
  });
  let options: ConsentStatusOptions | undefined;
  return async (contactId) => {
    try {
      options ??= await client.getConsentStatusOptions();
      const answer = await client.getContactWithConsent(contactId);
      if (!answer.found)
        throw new CommandError(`The contact ${contactId} is not in Dynamics any more`);
      return { fields: answer.contact.consentFields, options };
    } catch (error) {
      if (error instanceof DataverseUnavailable) return undefined;
      throw error;
    }
  };
}
