import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { isLoopbackUrl } from '../../shared/dataverse/organization-url.ts';
import { readCallerIdentity } from '../command-line/caller-identity.ts';
import { CommandError } from '../command-line/command-error.ts';
import { describeStack } from '../command-line/describe-stack.ts';
import { readRunningStack } from '../command-line/running-stack.ts';
import { WEBHOOK_PATH } from '../dynamics/target.ts';

/** A queue of events and where its poison goes. */
export interface EventQueue {
  readonly name: 'contact-events' | 'consent-events';
  readonly url: string;
  readonly deadLetterUrl: string;
}

/** A schedule. */
export interface ScheduleRule {
  /** Of the function that it calls. */
  readonly name: 'sweep' | 'reconcile-contacts';
  /** As EventBridge knows it. */
  readonly ruleName: string;
}

/** The deployment that a command works on. */
export interface Target {
  /** Which one, for whoever is asked whether they mean it. */
  readonly name: string;
  /** Who runs the command: the caller's ARN in AWS. */
  readonly operator: string;
  readonly queues: readonly EventQueue[];
  readonly rules: readonly ScheduleRule[];
  /** Where Dynamics sends webhooks. */
  readonly webhookUrl: string;
  /** Name of the function that says how the connection is. */
  readonly statusFunction: string;
  /** ConsentHub's database, for `createDatabase`. */
  readonly database: { readonly url: string; readonly endpoint?: string };
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
  readonly events: EventBridgeClient;
  readonly secrets: SecretsManagerClient;
  close(): void;
}

/** As `infra/app.ts` names it. */
const STACK_NAME = 'ConsentHubDynamics';

/** The outputs of the stack that say where everything is. */
const stackOutputs = z.object({
  ContactQueueUrl: z.string(),
  ContactDeadLetterQueueUrl: z.string(),
  ConsentQueueUrl: z.string(),
  ConsentDeadLetterQueueUrl: z.string(),
  ConnectionStatusFunctionName: z.string(),
  SweepRuleName: z.string(),
  WebhookUrl: z.string(),
  ReconcileRuleName: z.string(),
});

/**
 * The deployment in the account and region of the environment's credentials.
 *
 * Throws as the clients do.
 * @throws CommandError
 */
export async function connectAws(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Target> {
  const url = environment['DATABASE_URL'] ?? '';
  if (url === '') {
    throw new CommandError(
      'Missing: DATABASE_URL, the value of the secret consenthub-dynamics/database-url. For the local stack say --local, after the two dashes: npm run ops -- … --local',
    );
  }
  const endpoint = environment['NEON_ENDPOINT'] ?? '';
  // First: it says best what is missing here.
  const { accountId, arn: operator, region } = await readCallerIdentity();
  const { stage, outputs } = await readStack(region);
  return targetOf({
    name: `the stage ${stage}, account ${accountId}, ${region}`,
    operator,
    queues: queuesOf(
      { url: outputs.ContactQueueUrl, deadLetterUrl: outputs.ContactDeadLetterQueueUrl },
      { url: outputs.ConsentQueueUrl, deadLetterUrl: outputs.ConsentDeadLetterQueueUrl },
    ),
    rules: rulesOf(outputs.SweepRuleName, outputs.ReconcileRuleName),
    webhookUrl: outputs.WebhookUrl,
    statusFunction: outputs.ConnectionStatusFunctionName,
    database: { url, ...(endpoint !== '' && { endpoint }) },
    sqs: new SQSClient(),
    lambda: new LambdaClient(),
    events: new EventBridgeClient(),
    secrets: new SecretsManagerClient(),
  });
}

/** @throws CommandError if it is not there, or of another version; else as the client does */
async function readStack(region: string) {
  const client = new CloudFormationClient();
  try {
    const stack = await describeStack(client, STACK_NAME);
    if (stack === undefined) {
      throw new CommandError(
        `There is no stack ${STACK_NAME} in ${region}: say AWS_REGION and AWS_PROFILE of the deployment.`,
      );
    }
    const { data: outputs, error } = stackOutputs.safeParse(stack.outputs);
    if (outputs !== undefined) return { stage: stack.stage ?? 'unknown', outputs };
    const missing = error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new CommandError(
      `The stack ${STACK_NAME} has no ${missing}: deploy the version of this checkout.`,
    );
  } finally {
    client.destroy();
  }
}

/** What is needed of `.local/stack.json`. */
const runningStack = z.object({
  region: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sqsEndpoint: z.string(),
  lambdaEndpoint: z.string(),
  eventsEndpoint: z.string(),
  secretsEndpoint: z.string(),
  apiUrl: z.string(),
  sweepRuleName: z.string(),
  reconcileRuleName: z.string(),
  contactQueueUrl: z.string(),
  contactDeadLetterQueueUrl: z.string(),
  consentQueueUrl: z.string(),
  consentDeadLetterQueueUrl: z.string(),
  databaseUrl: z.string(),
  neonEndpoint: z.string().exactOptional(),
});

/**
 * The local stack that runs now.
 *
 * @throws CommandError
 */
export function connectLocal(stackFile: string, userName: string): Target {
  const stack = readRunningStack(stackFile, runningStack);
  if (!isLoopbackUrl(stack.databaseUrl)) {
    throw new CommandError(
      "The stack's database is not on this machine: --local does not touch it.",
    );
  }
  const { region, accessKeyId, secretAccessKey } = stack;
  const account = { region, credentials: { accessKeyId, secretAccessKey } };
  return targetOf({
    name: 'the local stack',
    operator: userName,
    queues: queuesOf(
      { url: stack.contactQueueUrl, deadLetterUrl: stack.contactDeadLetterQueueUrl },
      { url: stack.consentQueueUrl, deadLetterUrl: stack.consentDeadLetterQueueUrl },
    ),
    rules: rulesOf(stack.sweepRuleName, stack.reconcileRuleName),
    webhookUrl: `${stack.apiUrl}${WEBHOOK_PATH}`,
    // The local stack takes the name of its folder for a function's name.
    statusFunction: 'connection-status',
    database: {
      url: stack.databaseUrl,
      ...(stack.neonEndpoint !== undefined && { endpoint: stack.neonEndpoint }),
    },
    sqs: new SQSClient({ ...account, endpoint: stack.sqsEndpoint }),
    lambda: new LambdaClient({ ...account, endpoint: stack.lambdaEndpoint }),
    events: new EventBridgeClient({ ...account, endpoint: stack.eventsEndpoint }),
    secrets: new SecretsManagerClient({ ...account, endpoint: stack.secretsEndpoint }),
  });
}

function targetOf(parts: Omit<Target, 'close'>): Target {
  return {
    ...parts,
    close() {
      for (const client of [parts.sqs, parts.lambda, parts.events, parts.secrets]) client.destroy();
    },
  };
}

type Urls = Omit<EventQueue, 'name'>;

function queuesOf(contacts: Urls, consents: Urls): readonly EventQueue[] {
  return [
    { name: 'contact-events', ...contacts },
    { name: 'consent-events', ...consents },
  ];
}

function rulesOf(sweep: string, reconcile: string): readonly ScheduleRule[] {
  return [
    { name: 'sweep', ruleName: sweep },
    { name: 'reconcile-contacts', ruleName: reconcile },
  ];
}
