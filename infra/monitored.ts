import type { LambdaFunction } from './constructs/lambda-function.ts';
import type { QueueWithDeadLetter } from './constructs/queue-with-dead-letter.ts';

export interface BridgeFunctions {
  readonly receiveWebhook: LambdaFunction;
  readonly syncContact: LambdaFunction;
  readonly syncConsent: LambdaFunction;
  readonly sweep: LambdaFunction;
  readonly reconcileContacts: LambdaFunction;
  readonly connectionStatus: LambdaFunction;
  readonly testConnection: LambdaFunction;
  readonly migrateDatabase: LambdaFunction;
}

/** What the alarms and the dashboard look at. */
export interface Monitored {
  readonly contactEvents: QueueWithDeadLetter;
  readonly consentEvents: QueueWithDeadLetter;
  readonly functions: BridgeFunctions;
}
