import { startDataverseSimulator } from '../../simulators/dataverse/index.ts';
import { startEntraSimulator } from '../../simulators/entra/index.ts';
import { seededRandom } from '../../simulators/entra/random.ts';

export const application = {
  tenantId: '6f0c0a52-8f44-4c8e-9a53-1d1a5c3c7a01',
  clientId: 'b1f7d0b0-5b0e-4c62-a1f0-6d5a1e1f2c02',
  clientSecret: 'simulated-client-secret',
};

export type Fixture = Awaited<ReturnType<typeof startFixture>>;

/** A simulated Entra ID and Dataverse, with a client that holds a valid token. */
export async function startFixture(
  options: { stateFile?: string; now?: () => number; optionValuePrefix?: number | null } = {},
) {
  const random = seededRandom(1);
  const entra = await startEntraSimulator({ ...application, ...options, random });
  const dataverse = await startDataverseSimulator({ ...options, entra, random });
  let token = await requestToken(entra.url, dataverse.url);

  return {
    entra,
    dataverse,
    get token() {
      return token;
    },
    requestToken: () => requestToken(entra.url, dataverse.url),
    /** The token of all further requests. */
    renewToken(next: string) {
      token = next;
    },

    /** A request to the Web API with a token; a body is sent as JSON. */
    api(path: string, init: { method?: string; headers?: object; body?: unknown } = {}) {
      return fetch(`${dataverse.url}/api/data/v9.2/${path}`, {
        method: init.method ?? 'GET',
        headers: {
          authorization: `Bearer ${token}`,
          ...(init.body !== undefined && { 'content-type': 'application/json' }),
          ...init.headers,
        },
        ...(init.body !== undefined && {
          body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body),
        }),
      });
    },

    /** A request to the control API. */
    control(method: string, path: string, body?: unknown) {
      return fetch(`${dataverse.controlUrl}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    },

    /** Creates a contact as a user of Dynamics and returns its id. */
    async createContact(values: object): Promise<string> {
      const response = await this.control('POST', '/contacts', values);
      return (await json<{ contactid: string }>(response)).contactid;
    },

    async close() {
      await dataverse.close();
      await entra.close();
    },
  };
}

/** Asks for a token with the application's credentials; `changes` replace or (as '') remove fields. */
export function tokenRequest(
  entraUrl: string,
  resource: string,
  changes: { tenant?: string; fields?: Record<string, string> } = {},
): Promise<Response> {
  const fields = {
    grant_type: 'client_credentials',
    client_id: application.clientId,
    client_secret: application.clientSecret,
    scope: `${resource}/.default`,
    ...changes.fields,
  };
  const sent = Object.entries(fields).filter(([, value]) => value !== '');
  return fetch(`${entraUrl}/${changes.tenant ?? application.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(sent),
  });
}

async function requestToken(entraUrl: string, resource: string): Promise<string> {
  const response = await tokenRequest(entraUrl, resource);
  return (await json<{ access_token: string }>(response)).access_token;
}

/** The JSON body of a response, in the shape that the test goes on to check. */
export function json<T = Record<string, unknown>>(response: Response): Promise<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return response.json() as Promise<T>;
}

/** A refusal of the Web API: its status and what its body says. */
export async function errorOf(response: Response) {
  const { error } = await json<{ error: { code: string; message: string } }>(response);
  return { status: response.status, code: error.code, message: error.message };
}
