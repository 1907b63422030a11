import {
  ConnectionPaused,
  ConsentFieldsMissing,
  DataverseForbidden,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
  type PauseReason,
  TokenRefused,
  TokenUnavailable,
} from './errors.ts';

/** Something that an administrator can mend. Fixed texts, codes and numbers: fit to be shown and logged. */
export interface Problem {
  /** Stable, for programs. */
  readonly code: string;
  /** What is the matter. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** What the numbers of Entra ID's refusals mean ("Microsoft Entra authentication and authorization error codes"). */
const REFUSALS: ReadonlyMap<number, Problem> = new Map([
  [
    7_000_215,
    {
      code: 'client_secret_wrong',
      message: 'Entra ID says that the client secret is wrong (AADSTS7000215).',
      remedy:
        'Copy the Value of the secret, not its Secret ID, from Certificates & secrets of the app registration. If the value is no longer shown, make a new secret.',
    },
  ],
  [
    7_000_222,
    {
      code: 'client_secret_expired',
      message: 'The client secret has expired (AADSTS7000222).',
      remedy:
        'Make a new client secret under Certificates & secrets of the app registration and put it where it is read from: the secret consenthub-dynamics/dynamics-client-secret, or DYNAMICS_CLIENT_SECRET of a command.',
    },
  ],
  [
    700_016,
    {
      code: 'application_unknown',
      message: 'The tenant does not know the application (AADSTS700016).',
      remedy:
        'Check the Application (client) ID on the overview of the app registration, and that the registration is in the tenant of Dynamics or an administrator of that tenant has consented to it.',
    },
  ],
  [
    90_002,
    {
      code: 'tenant_unknown',
      message: 'Entra ID does not know the tenant (AADSTS90002).',
      remedy:
        'Check the Directory (tenant) ID on the overview of Entra ID. Without one it is found out from the organisation.',
    },
  ],
  [
    500_011,
    {
      code: 'organization_unknown',
      message: 'The tenant does not know the URL of the organisation (AADSTS500011).',
      remedy:
        'Copy the environment URL from the Power Platform admin center (Environments), and check that the environment belongs to this tenant and is not deleted.',
    },
  ],
]);

const CREDENTIALS_REFUSED: Problem = {
  code: 'credentials_refused',
  message: 'Entra ID or Dataverse refuses the credentials.',
  remedy:
    'Test the connection (POST /api/dynamics/test): it says which part is refused. What was mended is tried again within a minute.',
};

const UNAUTHORIZED: Problem = {
  code: 'application_user_missing',
  message: 'Dataverse does not let the application in, although its token is good.',
  remedy:
    'Open the environment in the Power Platform admin center, Settings, Users + permissions, Application users: add the app registration as an application user there, or activate it.',
};

const PAUSED: Readonly<Record<PauseReason, Problem>> = {
  throttled: {
    code: 'connection_throttled',
    message: 'Dataverse or Entra ID asks for fewer requests, so the connection is paused.',
    remedy:
      'Nothing to do: it resumes by itself and nothing is lost. If it happens often, look for another application that uses the same application user.',
  },
  'server-error': {
    code: 'connection_paused',
    message: 'Dataverse or Entra ID does not answer, so the connection is paused.',
    remedy:
      'Nothing to do: it is tried again by itself and nothing is lost. If it lasts, look at the service health in the Microsoft 365 admin center.',
  },
  'credentials-refused': CREDENTIALS_REFUSED,
};

const ENTRA_UNAVAILABLE: Problem = {
  code: 'entra_unavailable',
  message: 'Entra ID does not answer.',
  remedy:
    'Try again in a minute. If it lasts, look at the service health in the Microsoft 365 admin center.',
};

const UNREACHABLE: Problem = {
  code: 'organization_unreachable',
  message: 'The organisation does not answer.',
  remedy:
    'Check the URL of the environment and that it is not disabled or in administration mode (Power Platform admin center, Environments). Then look at the service health.',
};

const NOT_DATAVERSE: Problem = {
  code: 'organization_not_found',
  message: 'There is no Dataverse organisation at this URL.',
  remedy:
    'Open the URL in a browser: it has to lead to the sign-in of Dynamics. Copy the environment URL from the Power Platform admin center (Environments).',
};

const SETUP_REMEDY =
  'Run npm run dynamics -- setup, or create what is missing in the contact table, with the publisher prefix ch, and publish it. docs/dynamics-administrator.md lists the columns with their types and options.';

/** The custom columns that an organisation lacks, as `getMissingColumns` tells them. */
export function columnsMissing(missing: readonly string[]): Problem {
  return {
    code: 'column_missing',
    message: `The contact table lacks what consents are written to: ${missing.join('; ')}.`,
    remedy: SETUP_REMEDY,
  };
}

/** What an administrator has to know of an error of `errors.ts`; of any other one, that it happened. */
export function problemOf(error: unknown): Problem {
  if (error instanceof TokenRefused) {
    const known = error.errorCodes.map((code) => REFUSALS.get(code)).find(Boolean);
    return known ?? refused(error.errorCodes);
  }
  if (error instanceof ConnectionPaused) {
    return PAUSED[
      error.reason === 'throttled' || error.reason === 'credentials-refused'
        ? error.reason
        : 'server-error'
    ];
  }
  if (error instanceof DataverseUnauthorized) return UNAUTHORIZED;
  if (error instanceof DataverseForbidden) return forbidden(error.code);
  if (error instanceof ConsentFieldsMissing) {
    return { code: 'column_missing', message: `${error.message}.`, remedy: SETUP_REMEDY };
  }
  if (error instanceof TokenUnavailable) return ENTRA_UNAVAILABLE;
  if (error instanceof DataverseUnavailable) {
    return error.reason === 'throttled' ? PAUSED.throttled : UNREACHABLE;
  }
  if (error instanceof DataverseUnreadable) return NOT_DATAVERSE;
  return {
    code: 'unexpected',
    message: 'Something failed that has no explanation here.',
    remedy: 'Try again in a minute. If it lasts, report it with the time of this answer.',
  };
}

function refused(errorCodes: readonly number[]): Problem {
  const codes = errorCodes.map((code) => `AADSTS${code}`).join(', ') || 'without a code';
  return {
    code: 'credentials_refused',
    message: `Entra ID refuses the credentials (${codes}).`,
    remedy:
      'Look the code up at https://login.microsoftonline.com/error, and check tenant, client id and secret in the app registration.',
  };
}

/** The code of a privilege that no role of the user has ("Web service error codes"). */
const PRIVILEGE_DENIED = '0x80040220';

function forbidden(code: string | undefined): Problem {
  if (code !== PRIVILEGE_DENIED) {
    return {
      code: 'access_denied',
      message: `Dataverse denies access (${code ?? 'no code'}).`,
      remedy:
        'Check the security roles of the application user, and whether an IP firewall or a conditional access policy stands before the environment.',
    };
  }
  return {
    code: 'privilege_missing',
    message: 'The application user lacks a privilege.',
    remedy:
      'Give the application user a security role with Read and Write on the table Contact at the level Organization.',
  };
}
