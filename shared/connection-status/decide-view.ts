import type { Failure } from './client.ts';
import { durationText, type TimeText, timeText } from './format-time.ts';
import type { Check, Direction, StatusAnswer } from './read-answer.ts';
import type { Snapshot, TestRun } from './session.ts';

/** What the element shows: the state of the connection, or why it cannot be told. */
export type DisplayState =
  /** The page has not said where to ask, and in whose name. */
  | 'not-set-up'
  | 'loading'
  | 'connected'
  | 'degraded'
  | 'paused'
  | 'disconnected'
  /** The API names a state that this version does not know. */
  | 'unknown'
  | Failure['kind'];

/** What is the matter, and what to do about it. */
export interface Advice {
  readonly message: string;
  readonly remedy: string;
}

/** A value under its label. */
export interface Fact {
  readonly label: string;
  /** Undefined while it is awaited. */
  readonly value: string | TimeText | undefined;
}

export interface DirectionView {
  readonly id: 'contacts' | 'consents';
  readonly title: string;
  /** From where to where. */
  readonly way: string;
  readonly facts: readonly Fact[];
}

export interface ProblemView extends Advice {
  readonly code: string;
}

export interface CheckView {
  readonly ok: boolean;
  /** Of one check, or of several. */
  readonly title: string;
  readonly message: string;
  readonly remedy: string | null;
}

export type TestView =
  | { readonly phase: 'none' }
  | { readonly phase: 'running'; readonly message: string }
  | {
      readonly phase: 'done';
      readonly ok: boolean;
      readonly message: string;
      readonly at: TimeText;
      readonly checks: readonly CheckView[];
    }
  | ({ readonly phase: 'failed' } & Advice);

/** Everything that is to be seen, in words. */
export interface View {
  readonly state: DisplayState;
  /** The state in a word or two. */
  readonly word: string;
  /** And in a sentence. */
  readonly summary: string;
  readonly remedy: string | null;
  readonly organization: string | null;
  /** `href` is null where the URL is none to go to. */
  readonly url: { readonly text: string; readonly href: string | null } | null;
  /** What is below is an older answer, from then. */
  readonly staleSince: TimeText | null;
  readonly directions: readonly DirectionView[];
  readonly details: readonly Fact[];
  readonly problems: readonly ProblemView[];
  readonly checkedAt: TimeText | null;
  /** A person waits for an answer. */
  readonly refreshing: boolean;
  /** There is something to press, because there is somebody to ask. */
  readonly actions: boolean;
  readonly test: TestView;
}

const NOT_KNOWN = 'Not known';

const KNOWN_STATES = {
  connected: {
    word: 'Connected',
    summary: 'Dynamics and ConsentHub are connected, and changes flow both ways.',
  },
  degraded: {
    word: 'Needs attention',
    summary: 'The connection is there, but something has to be looked at.',
  },
  paused: {
    word: 'Paused',
    summary: 'No requests are sent for the moment. It resumes by itself, and nothing is lost.',
  },
  disconnected: {
    word: 'Disconnected',
    summary: 'Dynamics cannot be used. Changes are kept, and follow once it is back.',
  },
} as const;

const NOTHING_YET =
  'Dynamics is connected. Nothing has been synchronised yet: the first change will show here.';

/** What the API calls a check, and what a person calls it. */
const CHECK_TITLES: ReadonlyMap<string, string> = new Map([
  ['token', 'Sign in to Entra ID'],
  ['reachability', 'Reach the organisation'],
  ['read', 'Read contacts'],
  ['write', 'Change contacts'],
  ['fields', 'Columns for consents'],
  ['changeTracking', 'Change tracking'],
  ['webhook', 'Webhooks'],
]);

/**
 * Decides what there is to see. Pure.
 *
 * @param nowMs by the clock of the snapshot
 * @param timeZone absent: the machine's
 */
export function decideView(snapshot: Snapshot, nowMs: number, timeZone?: string): View {
  const { setUp, answer, failure, refreshing, test } = snapshot;
  const status = answer?.status;
  const receivedAtMs = answer?.receivedAtMs ?? nowMs;
  // The server's clock and this machine's may differ: what the server says is placed by its own.
  const aheadMs = status === undefined ? 0 : receivedAtMs - status.checkedAtMs;
  const local = (atMs: number) => timeText(atMs, nowMs, timeZone);
  const server = (atMs: number) => local(atMs + aheadMs);
  const received = answer === undefined ? null : local(receivedAtMs);

  return {
    ...headline(snapshot),
    organization: status?.organization.name ?? null,
    url: linkTo(status?.organization.url ?? null),
    staleSince: failure === undefined ? null : received,
    directions: setUp && (status || failure === undefined) ? directions(status, server) : [],
    details: status === undefined ? [] : details(status, server),
    problems: status?.problems ?? [],
    checkedAt: received,
    refreshing,
    actions: setUp,
    test: testView(test, local),
  };
}

function headline({
  setUp,
  answer,
  failure,
}: Snapshot): Pick<View, 'state' | 'word' | 'summary' | 'remedy'> {
  if (!setUp) {
    return {
      state: 'not-set-up',
      word: 'Not set up',
      summary: 'This page does not say where to ask for the state of the connection.',
      remedy: 'For its developers: set the properties endpoint and getToken of this element.',
    };
  }
  if (failure !== undefined) {
    const { word, message, remedy } = explain(failure);
    return { state: failure.kind, word, summary: message, remedy };
  }
  if (answer === undefined) {
    const summary = 'Asking for the state of the connection.';
    return { state: 'loading', word: 'Loading', summary, remedy: null };
  }
  const { status, sync } = answer.status;
  if (!isKnown(status)) {
    const summary = `The API says “${status}”, which this page does not know yet.`;
    return { state: 'unknown', word: 'Unknown state', summary, remedy: null };
  }
  const nothingYet =
    status === 'connected' &&
    sync.contacts.lastSuccessAtMs === null &&
    sync.consents.lastSuccessAtMs === null;
  const { word, summary } = KNOWN_STATES[status];
  return { state: status, word, summary: nothingYet ? NOTHING_YET : summary, remedy: null };
}

const isKnown = (status: string): status is keyof typeof KNOWN_STATES =>
  Object.hasOwn(KNOWN_STATES, status);

function explain(failure: Failure): Advice & { readonly word: string } {
  switch (failure.kind) {
    case 'signed-out':
      return {
        word: 'Signed out',
        message: 'Your session has ended, or could not be renewed.',
        remedy: 'Sign in again, and then refresh.',
      };
    case 'not-allowed':
      return {
        word: 'Not allowed',
        message: 'Your account may not see the connection to Dynamics.',
        remedy:
          'It needs the scope that this API asks for: ask an administrator, and sign in again.',
      };
    case 'no-answer':
      return {
        word: 'No answer',
        message: 'The API does not answer, or the browser keeps its answer back.',
        remedy:
          'Check your network, or sign in again if this page has been open for long. It is tried again by itself.',
      };
    case 'unavailable':
      return {
        word: 'No answer',
        message: failure.message ?? 'The API cannot answer at the moment.',
        remedy: 'It is tried again by itself. If it lasts, look at the logs of the API.',
      };
    case 'unreadable':
      return {
        word: 'Not understood',
        message: `What answers is not this API (HTTP ${failure.httpStatus}).`,
        remedy: 'For the developers of this page: check the property endpoint of this element.',
      };
  }
}

function directions(
  status: StatusAnswer | undefined,
  time: (atMs: number) => TimeText,
): DirectionView[] {
  return [
    {
      id: 'contacts',
      title: 'Contacts',
      way: 'Dynamics to ConsentHub',
      facts: directionFacts(status?.sync.contacts, time),
    },
    {
      id: 'consents',
      title: 'Consents',
      way: 'ConsentHub to Dynamics',
      facts: directionFacts(status?.sync.consents, time),
    },
  ];
}

function directionFacts(
  direction: Direction | undefined,
  time: (atMs: number) => TimeText,
): Fact[] {
  const value = <T>(of: (direction: Direction) => T) => direction && of(direction);
  return [
    { label: 'Last sync', value: value((known) => lastSync(known, time)) },
    { label: 'In the queue', value: value(({ waiting }) => countText(waiting)) },
    { label: 'Due', value: value(dueText) },
    { label: 'Dead letters', value: value(({ deadLettered }) => countText(deadLettered)) },
  ];
}

function lastSync(
  { lastSuccessAtMs, due }: Direction,
  time: (atMs: number) => TimeText,
): string | TimeText {
  if (lastSuccessAtMs !== null) return time(lastSuccessAtMs);
  // Both come from the database: without it there is no telling whether there ever was one.
  return due === null ? NOT_KNOWN : 'Nothing yet';
}

function dueText({ due, oldestSeconds }: Direction): string {
  if (due === null || due === 0 || oldestSeconds === null) return countText(due);
  return `${countText(due)}, for up to ${durationText(oldestSeconds)}`;
}

const countText = (count: number | null) =>
  count === null ? NOT_KNOWN : new Intl.NumberFormat('en').format(count);

function details(
  { latencyMs, tokenExpiresAtMs, schema }: StatusAnswer,
  time: (atMs: number) => TimeText,
): Fact[] {
  return [
    {
      label: 'Dynamics answers in',
      value: latencyMs === null ? NOT_KNOWN : `${countText(Math.round(latencyMs))} ms`,
    },
    {
      label: 'Token expires',
      value: tokenExpiresAtMs === null ? NOT_KNOWN : time(tokenExpiresAtMs),
    },
    { label: 'Columns for consents', value: columnsText(schema) },
  ];
}

function columnsText({ ok, missing }: StatusAnswer['schema']): string {
  if (ok) return 'Complete';
  return missing.length === 0 ? NOT_KNOWN : `${missing.length} missing`;
}

function linkTo(url: string | null): View['url'] {
  if (url === null) return null;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const web = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  return web && parsed ? { text: parsed.host, href: parsed.href } : { text: url, href: null };
}

function testView(test: TestRun, time: (atMs: number) => TimeText): TestView {
  switch (test.phase) {
    case 'none':
      return { phase: 'none' };
    case 'running':
      return {
        phase: 'running',
        message: 'Trying sign-in, privileges, columns and webhooks. This can take half a minute.',
      };
    case 'failed': {
      const { message, remedy } = explain(test.failure);
      return { phase: 'failed', message, remedy };
    }
    case 'done': {
      const { ok, checks } = test.answer;
      const passed = checks.filter((check) => check.ok).length;
      return {
        phase: 'done',
        ok,
        message:
          passed === checks.length
            ? 'All checks passed.'
            : `${passed} of ${checks.length} checks passed.`,
        at: time(test.atMs),
        checks: checkViews(checks),
      };
    }
  }
}

/** Neighbours with the same to say are one entry: after a failed check all the others say why they were not tried. */
function checkViews(checks: readonly Check[]): CheckView[] {
  const views: CheckView[] = [];
  for (const { name, ok, message, remedy } of checks) {
    const title = CHECK_TITLES.get(name) ?? name;
    const last = views.at(-1);
    if (last?.ok === ok && last.message === message && last.remedy === remedy) {
      views[views.length - 1] = { ...last, title: `${last.title}, ${title}` };
    } else {
      views.push({ title, ok, message, remedy });
    }
  }
  return views;
}
