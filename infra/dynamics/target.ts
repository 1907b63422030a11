import * as z from 'zod';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import {
  isLoopbackUrl,
  parseAuthorityUrl,
  parseOrganizationUrl,
} from '../../shared/dataverse/organization-url.ts';
import { CommandError } from '../command-line/command-error.ts';
import { readRunningStack } from '../command-line/running-stack.ts';

/** What a command can ask for, and gets whole or not at all. */
interface Parts {
  readonly dynamics: DynamicsConnection;
  /** ConsentHub's database, for `createDatabase`. */
  readonly database: { readonly url: string; readonly endpoint?: string };
  /** Where Dynamics sends webhooks, and the secret that signs them. */
  readonly webhook: { readonly url: string; readonly secret: string };
}
export type Part = keyof Parts;
export type Target<P extends Part> = Pick<Parts, P>;

export interface TargetSource {
  /** The local stack instead of the environment. */
  readonly local: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `.local/stack.json` */
  readonly stackFile: string;
  /** Of the option `--webhook-url`, where the command has it. */
  text(option: string): string | undefined;
}

/** The worldwide authority of Entra ID. */
const MICROSOFT_AUTHORITY_URL = 'https://login.microsoftonline.com';

/** The path of the webhook in the API. */
export const WEBHOOK_PATH = '/api/dynamics/webhook';

/**
 * What a command needs of the organisation that it works on.
 *
 * @throws CommandError which names everything that is missing
 * @throws InvalidUrl
 */
export function readTarget<P extends Part>(parts: readonly P[], source: TargetSource): Target<P> {
  return source.local
    ? localParts(source.stackFile)
    : environmentParts(source, new Set<Part>(parts));
}

function environmentParts(source: TargetSource, needed: ReadonlySet<Part>): Parts {
  const missing: string[] = [];
  // An empty variable counts as one that is not set.
  const optional = (name: string): string | undefined => source.environment[name] || undefined;
  const variable = (name: string, part: Part): string => {
    const value = optional(name);
    if (value === undefined && needed.has(part)) missing.push(name);
    return value ?? '';
  };
  const orgUrl = variable('DYNAMICS_ORG_URL', 'dynamics');
  const clientId = variable('DYNAMICS_CLIENT_ID', 'dynamics');
  const clientSecret = variable('DYNAMICS_CLIENT_SECRET', 'dynamics');
  const secret = variable('DYNAMICS_WEBHOOK_SECRET', 'webhook');
  const databaseUrl = variable('DATABASE_URL', 'database');
  const webhookUrl = source.text('webhook-url') ?? '';
  if (webhookUrl === '' && needed.has('webhook')) {
    missing.push(`the option --webhook-url https://…${WEBHOOK_PATH}`);
  }
  if (missing.length > 0) {
    throw new CommandError(
      `Missing: ${missing.join(', ')}. They are explained in docs/dynamics-administrator.md. For the local stack say --local.`,
    );
  }
  if (needed.has('webhook')) checkWebhookUrl(webhookUrl);
  const tenantId = optional('DYNAMICS_TENANT_ID');
  const endpoint = optional('NEON_ENDPOINT');
  return {
    dynamics: {
      orgUrl: parseOrganizationUrl(orgUrl),
      authorityUrl: parseAuthorityUrl(
        optional('DYNAMICS_AUTHORITY_URL') ?? MICROSOFT_AUTHORITY_URL,
      ),
      ...(tenantId !== undefined && { tenantId }),
      clientId,
      clientSecret,
    },
    database: { url: databaseUrl, ...(endpoint !== undefined && { endpoint }) },
    webhook: { url: webhookUrl, secret },
  };
}

function checkWebhookUrl(text: string): void {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.pathname === WEBHOOK_PATH && url.search === '') return;
  throw new CommandError(`--webhook-url: not of the form https://…${WEBHOOK_PATH}`);
}

/** What is needed of `.local/stack.json`. */
const runningStack = z.object({
  apiUrl: z.string(),
  databaseUrl: z.string(),
  neonEndpoint: z.string().exactOptional(),
  dataverseUrl: z.string(),
  entraUrl: z.string(),
  tenantId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  webhookSecret: z.string(),
});

function localParts(stackFile: string): Parts {
  const stack = readRunningStack(stackFile, runningStack);
  if (![stack.dataverseUrl, stack.databaseUrl].every(isLoopbackUrl)) {
    throw new CommandError(
      'The stack works on a Dynamics or a database that is not on this machine. Name it by the environment, without --local.',
    );
  }
  return {
    dynamics: {
      orgUrl: stack.dataverseUrl,
      authorityUrl: stack.entraUrl,
      tenantId: stack.tenantId,
      clientId: stack.clientId,
      clientSecret: stack.clientSecret,
    },
    database: {
      url: stack.databaseUrl,
      ...(stack.neonEndpoint !== undefined && { endpoint: stack.neonEndpoint }),
    },
    webhook: { url: `${stack.apiUrl}${WEBHOOK_PATH}`, secret: stack.webhookSecret },
  };
}
