/** Why a message can never be handled: the value of the attribute `reason` in the dead-letter queue. */
export type PoisonReason =
  | 'malformed'
  | 'unknown_version'
  | 'unknown_type'
  | 'unknown_organization'
  | 'unknown_patient'
  | 'unknown_consent'
  | 'foreign_patient'
  | 'foreign_consent'
  | 'rejected_by_database';

/** What becomes of a message. What the row's clock has taken over is done as well. */
export type Settlement =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'retry';
      readonly afterSeconds: number;
      /** `system`: the next message would fare no better, so none is tried for now. */
      readonly cause: 'message' | 'system';
    }
  | { readonly kind: 'poison'; readonly reason: PoisonReason };

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  /** How often SQS has handed it out, this time included. */
  readonly receiveCount: number;
}

/** The wait grows with every receive, so that an outage of hours does not use up the receives. */
const MAX_RETRY_SECONDS = 300;

/** Seconds until a message that could not be handled is handed out again: 1, 2, 4 … 256, 300. */
export function retryDelaySeconds(receiveCount: number): number {
  return Math.min(2 ** Math.max(0, Math.min(receiveCount, 30) - 1), MAX_RETRY_SECONDS);
}
