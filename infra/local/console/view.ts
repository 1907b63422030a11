/**
 * What the console's server tells its page: JSON, so times are ISO 8601 texts. Nothing is imported here,
 * because the page and the server are compiled for different places.
 */

/** Lists are cut to this length: a page is for people. `total` says how many there are. */
export interface Listed<T> {
  readonly shown: readonly T[];
  readonly total: number;
}

export type Channel = 'email' | 'sms' | 'phone' | 'mail';

/** A contact as a user of Dynamics sees it. */
export interface ContactView {
  readonly contactId: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly phone: string;
  /** Channels that the contact shows a consent for. */
  readonly channels: readonly Channel[];
  readonly consentExpires: string | null;
  /** In the recycle bin. */
  readonly deleted: boolean;
}

export interface ConsentView {
  readonly consentId: string;
  readonly channel: string;
  /** `pending`, `active`, `revoked` or `expired`. */
  readonly status: string;
  readonly expiresAt: string | null;
}

/** A patient as ConsentHub has it. */
export interface PatientView {
  readonly patientId: string;
  readonly contactId: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly phone: string;
  /** The newest of each channel. */
  readonly consents: readonly ConsentView[];
}

/** The way of one event from one side to the other, as the functions' logs tell it. */
export interface WayView {
  readonly eventId: string;
  /** `inbound`: Dynamics to ConsentHub; `outbound`: back. */
  readonly direction: 'inbound' | 'outbound';
  /** `contact.created`, `consent.granted` and the like. */
  readonly eventType: string;
  readonly contactId: string | null;
  readonly patientId: string | null;
  readonly at: string;
  /**
   * `retried`: it comes again in a while; `due`: it could not be done now, and the clock has it: the sweep
   * rings for its row; `dead`: it can never be done, and was put aside.
   */
  readonly state: 'waiting' | 'retried' | 'due' | 'dead' | 'settled';
  /** What became of it; empty while nobody has said. */
  readonly outcome: string;
  /** From the change at its source until it was done; null if it is not. */
  readonly latencyMs: number | null;
}

export interface AuditView {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly source: string;
  readonly patientId: string | null;
  /** JSON. */
  readonly details: string;
}

export interface QueueView {
  readonly name: string;
  /** Whether it holds messages that were put aside. */
  readonly deadLetters: boolean;
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

export interface DueView {
  readonly contactId: string;
  readonly readDueAt: string | null;
  readonly writeDueAt: string | null;
  readonly attempts: number;
}

export type DataverseMode = 'works' | 'down' | 'throttled' | 'other';

/** Everything but metrics. A part is null while its system does not answer. */
export interface StateView {
  readonly dynamics: {
    readonly mode: DataverseMode;
    readonly contacts: Listed<ContactView>;
  } | null;
  readonly consentHub: {
    readonly patients: Listed<PatientView>;
    readonly due: Listed<DueView>;
    readonly audit: Listed<AuditView>;
  } | null;
  readonly ways: readonly WayView[];
  readonly queues: readonly QueueView[] | null;
}

export interface AlarmView {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  readonly since: string;
  readonly alarms: number;
}

export interface SeriesView {
  readonly label: string;
  readonly points: readonly { readonly at: string; readonly value: number }[];
}

interface Placed {
  /** In units of a grid of 24. */
  readonly width: number;
}

export type WidgetView = Placed &
  (
    | { readonly type: 'text'; readonly markdown: string }
    | { readonly type: 'alarm'; readonly title: string; readonly alarmArns: readonly string[] }
    | {
        readonly type: 'metric';
        readonly title: string;
        readonly view: 'timeSeries' | 'singleValue';
        readonly series: readonly SeriesView[];
        readonly limits: readonly { readonly value: number; readonly label: string }[];
      }
  );

/** The template's dashboard and alarms, as CloudWatch's part of the stack has them. */
export interface MetricsView {
  readonly alarms: readonly AlarmView[];
  readonly dashboards: readonly {
    readonly name: string;
    readonly widgets: readonly WidgetView[];
  }[];
}

/** What somebody does on the page: the body of `POST /actions`. */
export type Action =
  | ({ readonly do: 'create-contact' } & PersonFields)
  | ({ readonly do: 'change-contact'; readonly contactId: string } & PersonFields)
  | { readonly do: 'delete-contact' | 'restore-contact'; readonly contactId: string }
  | {
      readonly do: 'grant';
      readonly patientId: string;
      readonly channel: Channel;
      /** Absent: it does not end. */
      readonly expiresAfterSeconds?: number;
    }
  | { readonly do: 'revoke'; readonly patientId: string; readonly channel: Channel }
  | { readonly do: 'set-dataverse'; readonly mode: 'works' | 'down' | 'throttled' }
  | { readonly do: 'revoke-tokens' };

export interface PersonFields {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly phone: string;
}
