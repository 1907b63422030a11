import * as z from 'zod';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import { guid } from '../../shared/dataverse/guid.ts';
import { InvalidUrl, parseOrganizationUrl } from '../../shared/dataverse/organization-url.ts';

/** Credentials are short; a body beyond this is not read. */
const MAX_BODY_CHARACTERS = 8_192;
const MAX_URL_CHARACTERS = 253;
/** Entra ID makes secrets of 40 characters. */
const MAX_SECRET_CHARACTERS = 512;

/** It becomes part of the path that the secret is posted to: nothing that could change that path. */
const DOMAIN = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

const credentials = z.strictObject({
  orgUrl: z.string().max(MAX_URL_CHARACTERS),
  tenantId: z.union([guid, z.string().regex(DOMAIN)]).optional(),
  clientId: guid,
  clientSecret: z.string().min(1).max(MAX_SECRET_CHARACTERS),
});

export type TestRequest =
  | { readonly kind: 'configured' }
  | { readonly kind: 'given'; readonly connection: DynamicsConnection }
  /** `fields` names what is malformed; nothing that was sent is repeated. */
  | { readonly kind: 'malformed'; readonly fields: readonly string[]; readonly message: string };

/**
 * Reads the body of a test. Without one the configured connection is tested; credentials come all
 * together, so that a configured secret never goes to an organisation that somebody names. Pure.
 *
 * @param authorityUrl of the configuration: where the secret is posted is not for the caller to say.
 */
export function readTestRequest(
  body: string,
  options: { readonly authorityUrl: string; readonly allowLoopback: boolean },
): TestRequest {
  if (body.trim() === '') return { kind: 'configured' };
  if (body.length > MAX_BODY_CHARACTERS) return malformed([], 'The body is too large.');
  const parsed = credentials.safeParse(parse(body));
  if (!parsed.success) {
    const fields = parsed.error.issues.flatMap((issue) =>
      // A name that is not ours may be anything, so it is not repeated.
      issue.code === 'unrecognized_keys' ? [] : issue.path.slice(0, 1).map(String),
    );
    return malformed(
      [...new Set(fields)],
      'The body must be JSON with orgUrl, clientId (a GUID), clientSecret and, if you like, tenantId (a GUID or a domain), and nothing else; or empty.',
    );
  }
  const { orgUrl, tenantId, ...application } = parsed.data;
  try {
    return {
      kind: 'given',
      connection: {
        orgUrl: parseOrganizationUrl(orgUrl, { allowLoopback: options.allowLoopback }),
        authorityUrl: options.authorityUrl,
        ...(tenantId !== undefined && { tenantId }),
        ...application,
      },
    };
  } catch (error) {
    if (!(error instanceof InvalidUrl)) throw error;
    return malformed(['orgUrl'], error.message);
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const malformed = (fields: readonly string[], message: string): TestRequest => ({
  kind: 'malformed',
  fields,
  message,
});
