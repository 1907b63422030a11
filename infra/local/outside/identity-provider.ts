import { startIdentityProvider } from '../../../test/simulators/identity-provider/index.ts';

/** A token lasts for a long working day: nobody signs in again here. */
const OPERATOR_TOKEN_SECONDS = 12 * 3600;

/** What the API's JWT authorizer asks of a token here. */
const AUDIENCE = 'consenthub-api';
const SCOPE = 'dynamics.manage';

/** The provider at which ConsentHub's staff sign in, and somebody who has. */
export interface Operators {
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
  /** Of one who may see the status and test the connection. */
  readonly operatorToken: string;
  /** Of somebody who signs in at the same provider and may not, such as a patient. */
  readonly patientToken: string;
}

/** Starts the simulated identity provider; it is handed to `resources`. Its tokens end with it. */
export async function startOperators(resources: AsyncDisposableStack): Promise<Operators> {
  const provider = await startIdentityProvider();
  resources.defer(() => provider.close());
  const { issuer } = provider;
  const claims = { audience: AUDIENCE, lifetimeSeconds: OPERATOR_TOKEN_SECONDS };
  return {
    issuer,
    audience: AUDIENCE,
    scope: SCOPE,
    operatorToken: await provider.issueToken({
      ...claims,
      subject: 'local-operator',
      scope: SCOPE,
    }),
    patientToken: await provider.issueToken({ ...claims, subject: 'local-patient' }),
  };
}
