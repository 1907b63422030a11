import {
  ConfidentialClientApplication,
  type INetworkModule,
  type NetworkRequestOptions,
  type NetworkResponse,
  ServerError,
} from '@azure/msal-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { application, type Fixture, startFixture } from './dataverse-fixture.ts';

/** Microsoft's own client takes no other scheme than https, and knows this host without asking. */
const AUTHORITY = 'https://login.microsoftonline.com';

let nowMs: number;
let fixture: Fixture;

beforeEach(async () => {
  nowMs = Date.parse('2026-11-22T10:00:00Z');
  fixture = await startFixture({ now: () => nowMs });
});

afterEach(() => fixture.close());

/** The client's requests, sent to the simulator instead. Of what it knows by itself it asks nothing. */
const network: INetworkModule = {
  sendGetRequestAsync: async (url) => {
    throw new Error(`Not to be asked: ${url}`);
  },
  async sendPostRequestAsync<T>(
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    const { headers = {}, body = null } = options;
    const address = url.replace(AUTHORITY, fixture.entra.url);
    const response = await fetch(address, { method: 'POST', headers, body });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: (await response.json()) as T,
    };
  },
};

function client(changes: { tenantId?: string; clientId?: string; clientSecret?: string } = {}) {
  const { tenantId, clientId, clientSecret } = { ...application, ...changes };
  return new ConfidentialClientApplication({
    auth: { authority: `${AUTHORITY}/${tenantId}`, clientId, clientSecret },
    system: { networkClient: network },
  });
}

function request(resource = fixture.dataverse.url) {
  return { scopes: [`${resource}/.default`], skipCache: true };
}

async function whoAmI(token: string): Promise<Response> {
  return fixture.api('WhoAmI', { headers: { authorization: `Bearer ${token}` } });
}

describe("Microsoft's own client", () => {
  it('gets a token with which Dataverse lets it in until it expires', async () => {
    const answer = await client().acquireTokenByClientCredential(request());
    const token = answer?.accessToken ?? '';
    expect(answer).toMatchObject({ tokenType: 'Bearer', fromCache: false });
    expect((await whoAmI(token)).status).toBe(200);
    nowMs += 3_599_000;
    expect((await whoAmI(token)).status).toBe(401);
  });

  it('gets another one after all were revoked, and Dataverse says whose they were', async () => {
    const application_ = client();
    const first = await application_.acquireTokenByClientCredential(request());
    await fetch(`${fixture.entra.controlUrl}/tokens/revoke`, { method: 'POST' });
    const refused = await whoAmI(first?.accessToken ?? '');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer error=invalid_token, error_description=Error during token validation!, ' +
        `authorization_uri=${fixture.entra.url}/${application.tenantId}/oauth2/authorize, ` +
        `resource_id=${fixture.dataverse.url}/`,
    );
    const second = await application_.acquireTokenByClientCredential(request());
    expect((await whoAmI(second?.accessToken ?? '')).status).toBe(200);
  });

  it.each([
    ['a wrong secret', { clientSecret: 'wrong' }, undefined, 'invalid_client', 7000215],
    [
      'an unknown application',
      { clientId: '00000000-0000-4000-8000-000000000000' },
      undefined,
      'unauthorized_client',
      700016,
    ],
    [
      'an unknown tenant',
      { tenantId: '00000000-0000-4000-8000-000000000000' },
      undefined,
      'invalid_request',
      90002,
    ],
    ['an unknown resource', {}, 'https://nowhere.crm.dynamics.com', 'invalid_resource', 500011],
  ])('understands the refusal of %s', async (_name, changes, resource, errorCode, number) => {
    const error: unknown = await client(changes)
      .acquireTokenByClientCredential(request(resource))
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({
      errorCode,
      errorNo: number,
      errorMessage: expect.stringContaining(`AADSTS${number}: `),
    });
    expect(fixture.entra.requests().outcomes).toMatchObject({ [`AADSTS${number}`]: 1 });
  });
});
