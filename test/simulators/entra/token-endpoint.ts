import { type ClientSecret, verifySecret } from './client-secrets.ts';
import { EntraError } from './errors.ts';

/** What the simulated tenant knows: its id, one application, and the resources with a service principal. */
export interface Directory {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecrets: readonly ClientSecret[];
  /** Origins without a trailing slash. */
  readonly resources: ReadonlySet<string>;
}

/** A token request as it came, before anything is known of it. */
export interface TokenRequest {
  readonly method: string;
  readonly tenant: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

/**
 * Checks a token request of the client-credentials flow (version 2 endpoint) and returns the resource
 * that the token is for. Throws `EntraError` with the number that Entra ID gives; which one of
 * several mistakes is reported first is inferred.
 */
export function checkTokenRequest(
  { method, tenant, contentType, body }: TokenRequest,
  directory: Directory,
  nowMs: number,
): string {
  if (method !== 'POST') {
    throw new EntraError(
      400,
      'invalid_request',
      900561,
      `The endpoint only accepts POST, OPTIONS requests. Received a ${method} request.`,
    );
  }
  if (!guidPattern.test(tenant) && !tenant.includes('.')) {
    throw new EntraError(
      400,
      'invalid_request',
      900023,
      `Specified tenant identifier '${tenant}' is neither a valid DNS name, nor a valid external domain.`,
    );
  }
  if (tenant.toLowerCase() !== directory.tenantId.toLowerCase()) {
    throw new EntraError(
      400,
      'invalid_request',
      90002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are ` +
        'signing into the correct cloud.',
    );
  }
  const isForm = contentType?.split(';')[0]?.trim().toLowerCase() === formType;
  // A body of another type is not read at all, so its parameters count as missing.
  const form = new URLSearchParams(isForm ? body : '');
  const grantType = required(form, 'grant_type');
  if (grantType !== 'client_credentials') {
    throw new EntraError(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${grantType}'.`,
    );
  }
  const clientId = required(form, 'client_id');
  const scope = required(form, 'scope');
  if (clientId.toLowerCase() !== directory.clientId.toLowerCase()) {
    throw new EntraError(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${clientId}' was not found in the directory ` +
        `'${directory.tenantId}'. This can happen if the application has not been installed by the ` +
        'administrator of the tenant or consented to by any user in the tenant. You may have sent ' +
        'your authentication request to the wrong tenant.',
    );
  }
  const secret = form.get('client_secret');
  if (!secret) {
    throw new EntraError(
      401,
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  }
  const verdict = verifySecret(secret, directory.clientSecrets, nowMs);
  if (verdict === 'expired') throw secretExpired(clientId);
  if (verdict === 'unknown') {
    throw new EntraError(
      401,
      'invalid_client',
      7000215,
      'Invalid client secret provided. Ensure the secret being sent in the request is the client ' +
        `secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
    );
  }
  return resourceOf(scope, directory);
}

export function secretExpired(clientId: string): EntraError {
  return new EntraError(
    401,
    'invalid_client',
    7000222,
    `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to ` +
      'create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate ' +
      'credentials for added security: https://aka.ms/certCreds.',
  );
}

const guidPattern = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
const formType = 'application/x-www-form-urlencoded';
const defaultSuffix = '/.default';

function required(form: URLSearchParams, name: string): string {
  const values = form.getAll(name);
  if (values.length === 1 && values[0]) return values[0];
  throw new EntraError(
    400,
    'invalid_request',
    900144,
    `The request body must contain the following parameter: '${name}'.`,
  );
}

function resourceOf(scope: string, directory: Directory): string {
  if (/\s/.test(scope)) {
    throw new EntraError(
      400,
      'invalid_scope',
      70011,
      "The provided request must include a 'scope' input parameter. The provided value for the " +
        `input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  }
  if (!scope.endsWith(defaultSuffix)) {
    throw new EntraError(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope ` +
        'value with /.default suffixed to the resource identifier (application ID URI).',
    );
  }
  const resource = scope.slice(0, -defaultSuffix.length);
  // A resource may be named with its trailing slash: the scope then has two slashes.
  const origin = resource.endsWith('/') ? resource.slice(0, -1) : resource;
  if (directory.resources.has(origin)) return origin;
  throw new EntraError(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${resource} was not found in the tenant named ` +
      `${directory.tenantId}. This can happen if the application has not been installed by the ` +
      'administrator of the tenant or consented to by any user in the tenant.',
  );
}
