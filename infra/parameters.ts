import { CfnCondition, CfnParameter, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { OutsideSender } from './constructs/queue-with-dead-letter.ts';

/** An origin with TLS; without it only on loopback, for the local stack: credentials are sent there. */
const ORIGIN = String.raw`^(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)/?$`;

/** An issuer may have a path, and some end in a slash that belongs to it. */
const ISSUER = String.raw`^(https://[^?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/[^?#@\s]*)?)$`;

/** Origins as a browser sends them, separated by commas; without TLS only on loopback. Never `*`. */
const ONE_ORIGIN = String.raw`(https://[A-Za-z0-9.-]+(:[0-9]+)?|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)`;
const ORIGINS = `^(${ONE_ORIGIN}(,${ONE_ORIGIN})*)?$`;

/**
 * A role or a user. Not an account, which would let in everybody there, and not the session of an
 * assumed role, which ends.
 */
const ROLE_OR_USER = String.raw`^(arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+)?$`;

/** What differs between deployments and is no secret. */
export interface Parameters {
  readonly orgUrl: string;
  readonly authorityUrl: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly redisUrl: string;
  /** `signature` or `header`. */
  readonly webhookAuthentication: string;
  readonly consentHub: OutsideSender;
  readonly api: ApiAccess;
}

/** Who may ask for the status and test the connection. */
export interface ApiAccess {
  /** `iss` of the tokens; their keys are found through its discovery document. */
  readonly issuer: string;
  readonly audience: string;
  /** Patients sign in at the same provider: only who has this scope may. */
  readonly requiredScope: string;
  /** Separated by commas. */
  readonly allowedOrigins: string;
  /** Whether there are any. */
  readonly hasOrigins: CfnCondition;
}

interface Rules {
  readonly default?: string;
  readonly allowedPattern?: string;
  readonly constraintDescription?: string;
}

/** Declares the parameters of a stack. */
export function declareParameters(stack: Construct): Parameters {
  const parameter = (name: string, description: string, rules: Rules) =>
    new CfnParameter(stack, name, { type: 'String', description, ...rules }).valueAsString;
  // Whether the host is Microsoft's is checked by the functions, which know all of its clouds.
  const url = {
    allowedPattern: ORIGIN,
    constraintDescription: 'An origin such as https://contoso.crm4.dynamics.com',
  };
  const principalArn = parameter(
    'ConsentHubPrincipalArn',
    'IAM role or user that ConsentHub sends its events with; empty: nobody yet',
    {
      default: '',
      allowedPattern: ROLE_OR_USER,
      constraintDescription:
        'ARN of an IAM role or user such as arn:aws:iam::111122223333:role/consenthub',
    },
  );
  const exists = new CfnCondition(stack, 'HasConsentHubPrincipal', {
    expression: Fn.conditionNot(Fn.conditionEquals(principalArn, '')),
  });
  const allowedOrigins = parameter(
    'ApiAllowedOrigins',
    'Origins whose pages may call the API, separated by commas; empty: none',
    {
      default: '',
      allowedPattern: ORIGINS,
      constraintDescription: 'Origins such as https://app.consenthub.example, separated by commas',
    },
  );
  const hasOrigins = new CfnCondition(stack, 'HasApiAllowedOrigins', {
    expression: Fn.conditionNot(Fn.conditionEquals(allowedOrigins, '')),
  });
  const word = {
    allowedPattern: String.raw`^[^\s"]+$`,
    constraintDescription: 'Text without white space',
  };
  return {
    orgUrl: parameter('DynamicsOrgUrl', 'URL of the Dataverse organisation', url),
    authorityUrl: parameter('DynamicsAuthorityUrl', 'Entra ID authority of the cloud', {
      ...url,
      default: 'https://login.microsoftonline.com',
    }),
    tenantId: parameter('DynamicsTenantId', 'Entra tenant; empty: found out', {
      default: '',
      allowedPattern: '^[0-9a-zA-Z.-]*$',
      constraintDescription: 'A GUID or a domain',
    }),
    clientId: parameter('DynamicsClientId', 'Application (client) id in Entra ID', {
      allowedPattern: '^[0-9a-fA-F-]{36}$',
      constraintDescription: 'A GUID',
    }),
    redisUrl: parameter('UpstashRedisRestUrl', 'REST URL of the Upstash Redis', url),
    webhookAuthentication: parameter(
      'WebhookAuthentication',
      'How webhooks show that they come from Dynamics; header (a static secret) is weaker than signature',
      {
        default: 'signature',
        allowedPattern: '^(signature|header)$',
        constraintDescription: 'signature or header',
      },
    ),
    consentHub: { principalArn, exists },
    api: {
      issuer: parameter('ApiTokenIssuer', 'Issuer of the tokens that staff sign in with', {
        allowedPattern: ISSUER,
        constraintDescription: 'The issuer as it stands in the tokens (iss)',
      }),
      audience: parameter('ApiTokenAudience', 'Audience (aud or client_id) of the tokens', word),
      requiredScope: parameter(
        'ApiRequiredScope',
        'Scope that lets somebody see the status and test the connection',
        word,
      ),
      allowedOrigins,
      hasOrigins,
    },
  };
}
