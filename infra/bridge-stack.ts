import { fileURLToPath } from 'node:url';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Trigger } from 'aws-cdk-lib/triggers';
import type { Construct } from 'constructs';
import { alarmsOf } from './alarms.ts';
import { addApi } from './api.ts';
import { Alarming } from './constructs/alarming.ts';
import { LambdaFunction } from './constructs/lambda-function.ts';
import { QueueConsumer } from './constructs/queue-consumer.ts';
import { QueueWithDeadLetter } from './constructs/queue-with-dead-letter.ts';
import { Schedule } from './constructs/schedule.ts';
import { BridgeDashboard } from './dashboard.ts';
import {
  DATAVERSE_SHARES,
  fleetRequests,
  INTERACTIVE_PARALLEL_REQUESTS,
} from './dataverse-concurrency.ts';
import { applyRemovalPolicies, type DeploymentStage } from './deployment-stage.ts';
import { declareParameters } from './parameters.ts';
import { SavedQueries } from './saved-queries.ts';
import type { SecretsStack } from './secrets-stack.ts';
import { giveTriggersTheirLogs } from './trigger-provider.ts';

/** A webhook is answered within a second; the rest is for a cold start and one retry towards SQS. */
const RECEIVE_TIMEOUT = Duration.seconds(10);
/**
 * The worst round: three statements of 5 s, a token, the read of the batch and three waves of single
 * reads at 5 s each; and half a minute in which another round may still begin.
 */
const SYNC_CONTACT_TIMEOUT = Duration.seconds(60);
/**
 * Three rounds of a claim, a write and a settling, for ten patients side by side. A write that was
 * given up may still land for two minutes; with this time-out that is over before the 180 s for which
 * the row remembers the doubt.
 */
const SYNC_CONSENT_TIMEOUT = Duration.seconds(45);
/** Over before the next one begins. */
const SWEEP_TIMEOUT = Duration.seconds(55);
const SWEEP_RATE = Duration.minutes(1);
/** As long as Lambda lets it: a first import reads for hours, in runs that go on where the last one ended. */
const RECONCILE_TIMEOUT = Duration.minutes(15);
const RECONCILE_RATE = Duration.minutes(5);
/**
 * How many percent of the known contacts a full read may miss before it is stopped. Ordinary deletions of
 * a week are below it; a role that lost its access is far above.
 */
const MAX_MISSING_PERCENT = 5;
/** It answers within two seconds by itself; a cold start comes before that. */
const STATUS_TIMEOUT = Duration.seconds(10);
/** Five requests of 4 s one after another and an audit row, before the gateway gives up after 30 s. */
const TEST_TIMEOUT = Duration.seconds(29);
/** Indexes are built while the tables are in use, and a large table takes its time. */
const MIGRATE_TIMEOUT = Duration.minutes(14);

const MIGRATIONS = fileURLToPath(new URL('../shared/database/migrations/', import.meta.url));

export interface BridgeStackProps extends StackProps {
  readonly stage: DeploymentStage;
  readonly secrets: SecretsStack;
}

/** Everything that moves: the API, the queues and the functions between Dynamics and ConsentHub. */
export class BridgeStack extends Stack {
  constructor(scope: Construct, id: string, props: BridgeStackProps) {
    super(scope, id, { ...props, terminationProtection: !props.stage.disposable });
    applyRemovalPolicies(this, props.stage);
    const { secrets } = props;
    const { key } = secrets;
    const parameters = declareParameters(this);
    fleetRequests(DATAVERSE_SHARES);

    const queueKey = new Key(this, 'queue-key', {
      description: 'Queues of the bridge between ConsentHub and Dynamics 365',
      enableKeyRotation: true,
    });
    const contactEvents = new QueueWithDeadLetter(this, 'contact-events', {
      key: queueKey,
      consumerTimeout: SYNC_CONTACT_TIMEOUT,
    });
    const consentEvents = new QueueWithDeadLetter(this, 'consent-events', {
      key: queueKey,
      consumerTimeout: SYNC_CONSENT_TIMEOUT,
    });
    consentEvents.allowSendingFromOutside(parameters.consentHub);

    const receiveWebhook = new LambdaFunction(this, 'receive-webhook', {
      description:
        'Checks the signature of a webhook from Dynamics and puts its ids onto the queue',
      timeout: RECEIVE_TIMEOUT,
      key,
      environment: {
        CONTACT_QUEUE_URL: contactEvents.queue.queueUrl,
        WEBHOOK_AUTHENTICATION: parameters.webhookAuthentication,
      },
      secrets: { DYNAMICS_WEBHOOK_SECRET_ARN: secrets.webhookSecret },
    });
    contactEvents.allowSending(receiveWebhook);

    const connection = {
      environment: {
        DYNAMICS_ORG_URL: parameters.orgUrl,
        DYNAMICS_AUTHORITY_URL: parameters.authorityUrl,
        DYNAMICS_TENANT_ID: parameters.tenantId,
        DYNAMICS_CLIENT_ID: parameters.clientId,
        UPSTASH_REDIS_REST_URL: parameters.redisUrl,
      },
      secrets: {
        DATABASE_URL_SECRET_ARN: secrets.databaseUrl,
        DYNAMICS_CLIENT_SECRET_ARN: secrets.dynamicsClientSecret,
        UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: secrets.upstashRedisRestToken,
      },
    };
    const contactShare = DATAVERSE_SHARES['sync-contact'];
    const syncContact = new LambdaFunction(this, 'sync-contact', {
      description: 'Reads contacts in Dynamics and makes the patients say what they say',
      timeout: SYNC_CONTACT_TIMEOUT,
      key,
      environment: {
        ...connection.environment,
        CONTACT_QUEUE_URL: contactEvents.queue.queueUrl,
        CONTACT_DEAD_LETTER_QUEUE_URL: contactEvents.deadLetterQueue.queueUrl,
        DATAVERSE_PARALLEL_REQUESTS: String(contactShare.parallelRequests),
      },
      secrets: connection.secrets,
    });
    new QueueConsumer(this, 'contact-consumer', {
      source: contactEvents,
      consumer: syncContact,
      maxConcurrency: contactShare.containers,
    });

    const consentShare = DATAVERSE_SHARES['sync-consent'];
    const syncConsent = new LambdaFunction(this, 'sync-consent', {
      description: 'Makes the contacts in Dynamics say what the patients have consented to',
      timeout: SYNC_CONSENT_TIMEOUT,
      key,
      environment: {
        ...connection.environment,
        CONSENT_QUEUE_URL: consentEvents.queue.queueUrl,
        CONSENT_DEAD_LETTER_QUEUE_URL: consentEvents.deadLetterQueue.queueUrl,
        DATAVERSE_PARALLEL_REQUESTS: String(consentShare.parallelRequests),
      },
      secrets: connection.secrets,
    });
    new QueueConsumer(this, 'consent-consumer', {
      source: consentEvents,
      consumer: syncConsent,
      maxConcurrency: consentShare.containers,
    });

    const sweep = new LambdaFunction(this, 'sweep', {
      description: 'Rings for every row whose clock is due, and seals the audit trail',
      timeout: SWEEP_TIMEOUT,
      key,
      environment: {
        CONTACT_QUEUE_URL: contactEvents.queue.queueUrl,
        CONSENT_QUEUE_URL: consentEvents.queue.queueUrl,
      },
      secrets: {
        DATABASE_URL_SECRET_ARN: secrets.databaseUrl,
        AUDIT_KEY_SECRET_ARN: secrets.auditKey,
      },
      // Two at a time would both ring until the queue holds enough.
      reservedConcurrency: 1,
    });
    for (const events of [contactEvents, consentEvents]) {
      events.allowSending(sweep);
      events.allowCounting(sweep);
    }
    const sweepSchedule = new Schedule(this, 'sweep-schedule', {
      rate: SWEEP_RATE,
      target: sweep,
    });

    const reconcileShare = DATAVERSE_SHARES['reconcile-contacts'];
    const reconcileContacts = new LambdaFunction(this, 'reconcile-contacts', {
      description: 'Follows the changes of all contacts, and reads everything the first time',
      timeout: RECONCILE_TIMEOUT,
      key,
      environment: {
        ...connection.environment,
        DATAVERSE_PARALLEL_REQUESTS: String(reconcileShare.parallelRequests),
        MAX_MISSING_PERCENT: String(MAX_MISSING_PERCENT),
      },
      secrets: connection.secrets,
      // A second one would find the lease taken and end.
      reservedConcurrency: reconcileShare.containers,
    });
    const reconcileSchedule = new Schedule(this, 'reconcile-schedule', {
      rate: RECONCILE_RATE,
      target: reconcileContacts,
    });

    const connectionStatus = new LambdaFunction(this, 'connection-status', {
      description: 'Says whether the connection is alive and how far behind both directions are',
      timeout: STATUS_TIMEOUT,
      key,
      environment: {
        ...connection.environment,
        CONTACT_QUEUE_URL: contactEvents.queue.queueUrl,
        CONTACT_DEAD_LETTER_QUEUE_URL: contactEvents.deadLetterQueue.queueUrl,
        CONSENT_QUEUE_URL: consentEvents.queue.queueUrl,
        CONSENT_DEAD_LETTER_QUEUE_URL: consentEvents.deadLetterQueue.queueUrl,
        DATAVERSE_PARALLEL_REQUESTS: String(INTERACTIVE_PARALLEL_REQUESTS),
      },
      secrets: connection.secrets,
    });
    for (const events of [contactEvents, consentEvents]) {
      events.allowCounting(connectionStatus);
      events.allowCountingDeadLetters(connectionStatus);
    }

    const { UPSTASH_REDIS_REST_URL: _url, ...dynamicsEnvironment } = connection.environment;
    const { UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: _token, ...dynamicsSecrets } = connection.secrets;
    const testConnection = new LambdaFunction(this, 'test-connection', {
      description: 'Tries a connection and says what an administrator has to mend',
      timeout: TEST_TIMEOUT,
      key,
      environment: {
        ...dynamicsEnvironment,
        DATAVERSE_PARALLEL_REQUESTS: String(INTERACTIVE_PARALLEL_REQUESTS),
      },
      secrets: dynamicsSecrets,
    });

    const migrateDatabase = new LambdaFunction(this, 'migrate-database', {
      description: 'Applies the SQL migrations, on every deploy that brings new ones',
      timeout: MIGRATE_TIMEOUT,
      key,
      environment: {},
      secrets: { DATABASE_URL_SECRET_ARN: secrets.databaseUrl },
      commandHooks: {
        beforeBundling: () => [],
        beforeInstall: () => [],
        afterBundling: (_input, output) => [`cp -r "${MIGRATIONS}" "${output}/migrations"`],
      },
    });
    new Trigger(this, 'migration', {
      handler: migrateDatabase.function,
      timeout: MIGRATE_TIMEOUT,
      // New code never meets an old schema; old code has to get along with a new one for a moment.
      executeBefore: [
        receiveWebhook,
        syncContact,
        syncConsent,
        sweep,
        reconcileContacts,
        connectionStatus,
        testConnection,
      ],
    });

    giveTriggersTheirLogs(this, key);

    const api = addApi(this, {
      access: parameters.api,
      accessLogKey: key,
      receiveWebhook,
      connectionStatus,
      testConnection,
    });
    const monitored = {
      contactEvents,
      consentEvents,
      functions: {
        receiveWebhook,
        syncContact,
        syncConsent,
        sweep,
        reconcileContacts,
        connectionStatus,
        testConnection,
        migrateDatabase,
      },
    };
    const alarming = new Alarming(this, 'alarming', alarmsOf(monitored));
    new BridgeDashboard(this, 'monitoring', monitored, alarming);
    const logGroups = Object.values(monitored.functions).map(({ logs }) => logs);
    new SavedQueries(this, 'saved-queries', logGroups);

    new CfnOutput(this, 'ApiUrl', { value: api.url });
    new CfnOutput(this, 'WebhookUrl', { value: api.webhookUrl });
    new CfnOutput(this, 'ContactQueueUrl', { value: contactEvents.queue.queueUrl });
    new CfnOutput(this, 'ContactDeadLetterQueueUrl', {
      value: contactEvents.deadLetterQueue.queueUrl,
    });
    new CfnOutput(this, 'ConsentQueueUrl', { value: consentEvents.queue.queueUrl });
    new CfnOutput(this, 'ConsentQueueArn', { value: consentEvents.queue.queueArn });
    new CfnOutput(this, 'ConsentDeadLetterQueueUrl', {
      value: consentEvents.deadLetterQueue.queueUrl,
    });
    new CfnOutput(this, 'ConnectionStatusFunctionName', {
      value: connectionStatus.function.functionName,
    });
    new CfnOutput(this, 'SweepRuleName', { value: sweepSchedule.ruleName });
    new CfnOutput(this, 'SweepLogGroupName', { value: sweep.logs.logGroupName });
    new CfnOutput(this, 'ReconcileRuleName', { value: reconcileSchedule.ruleName });
    new CfnOutput(this, 'PageTopicArn', { value: alarming.topics.page.topicArn });
    new CfnOutput(this, 'TicketTopicArn', { value: alarming.topics.ticket.topicArn });
  }
}
