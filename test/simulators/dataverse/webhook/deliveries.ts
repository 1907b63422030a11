import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { type Random, randomGuid, seededRandom } from '../../entra/random.ts';
import { SEEDED_SECURE_CONFIG } from '../tables/seed.ts';
import type { PluginOutcome, PluginRun } from '../plugin-host/index.ts';
import type { WebhookRequest } from './execution-context.ts';

/** Where webhooks go, and how the customer's plug-in signs them. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
  /** Whether `X-Dynamics-Timestamp` is sent and covered by the signature. */
  readonly timestamp: boolean;
}

export interface DeliverySettings {
  /** Deliver what waits in a random order, the same one for the same seed. */
  readonly shuffle?: { readonly seed: number };
  /** Probability that a webhook is delivered twice. */
  readonly duplicate?: number;
  /** Keep webhooks back until they are flushed or the hold ends. */
  readonly hold?: boolean;
}

type AttemptStatus = number | 'timeout' | 'connection' | PluginOutcome['state'];

export interface Delivery {
  readonly id: string;
  readonly contactid: string;
  readonly message: WebhookRequest['message'];
  readonly duplicate: boolean;
  readonly state: 'pending' | 'delivered' | 'failed';
  /** One entry per attempt: the HTTP status, or why there was none; what came of a plug-in's run. */
  readonly statuses: readonly AttemptStatus[];
  readonly attempts: number;
  /** When the first attempt began; null while it is pending. */
  readonly startedAt: string | null;
  /** From the start of the first attempt to the last answer; null while it is pending. */
  readonly latencyMs: number | null;
}

/** Dataverse gives up on an answer after this time (use-webhooks.md). */
const TIMEOUT_MS = 60_000;
/** Only these are tried again, once; every other failure loses the event. */
const retriedStatuses: ReadonlySet<number | string> = new Set([502, 503, 504]);
const MAX_ATTEMPTS = 2;
/** A plug-in that asks for it is run so often in all (handle-exceptions.md); its pace is not documented. */
const MAX_PLUGIN_RUNS = 4;
/** Parallel deliveries: enough that order means nothing. */
const MAX_PARALLEL_DELIVERIES = 20;
/** The oldest finished deliveries beyond this number are forgotten, to bound the memory. */
const MAX_KEPT_DELIVERIES = 10_000;

interface Entry {
  readonly request: WebhookRequest;
  delivery: Delivery;
  readonly finished: PromiseWithResolvers<void>;
}

export type Deliveries = ReturnType<typeof createDeliveries>;

/** Delivers webhooks as the asynchronous service does: in parallel, in no order, once or twice. */
export function createDeliveries(options: {
  fetch: typeof fetch;
  now: () => number;
  random: Random;
  /** A signal that is aborted after so many milliseconds, as `AbortSignal.timeout`. */
  timeout: (ms: number) => AbortSignal;
  /** Runs a plug-in of a registered assembly. */
  runPlugin: (run: PluginRun) => Promise<PluginOutcome>;
  /** Called when a webhook was delivered or lost; `message`: what the plug-in said last. */
  onFinished: (request: WebhookRequest, delivery: Delivery, message: string | undefined) => void;
}) {
  const { now } = options;
  const closing = new AbortController();
  const entries = new Map<string, Entry>();
  const held: Entry[] = [];
  const waiting: Entry[] = [];
  let running = 0;
  let target: WebhookTarget | undefined;
  let settings: DeliverySettings = {};
  let shuffle: Random | undefined;

  function add(request: WebhookRequest, duplicate: boolean): Entry {
    const delivery: Delivery = {
      id: randomGuid(options.random),
      contactid: request.contactId,
      message: request.message,
      duplicate,
      state: 'pending',
      statuses: [],
      attempts: 0,
      startedAt: null,
      latencyMs: null,
    };
    const entry = { request, delivery, finished: Promise.withResolvers<void>() };
    entries.set(delivery.id, entry);
    forgetOldest();
    return entry;
  }

  function forgetOldest(): void {
    for (const [id, { delivery }] of entries) {
      if (entries.size <= MAX_KEPT_DELIVERIES) return;
      if (delivery.state !== 'pending') entries.delete(id);
    }
  }

  function pump(): void {
    while (running < MAX_PARALLEL_DELIVERIES && waiting.length > 0) {
      const index = shuffle ? Math.floor(shuffle() * waiting.length) : 0;
      const [entry] = waiting.splice(index, 1);
      if (!entry) return;
      running += 1;
      void deliver(entry).finally(() => {
        running -= 1;
        entry.finished.resolve();
        pump();
      });
    }
  }

  async function deliver(entry: Entry): Promise<void> {
    const startMs = now();
    const startedAt = new Date(startMs).toISOString();
    const statuses: AttemptStatus[] = [];
    let attempted: { status: AttemptStatus; message?: string };
    do {
      attempted = await attempt(entry.request);
      statuses.push(attempted.status);
    } while (isTriedAgain(attempted.status, statuses.length));
    const { status, message } = attempted;
    const succeeded =
      status === 'succeeded' || (typeof status === 'number' && status >= 200 && status < 300);
    entry.delivery = {
      ...entry.delivery,
      state: succeeded ? 'delivered' : 'failed',
      statuses,
      attempts: statuses.length,
      startedAt,
      latencyMs: now() - startMs,
    };
    options.onFinished(entry.request, entry.delivery, message);
  }

  async function attempt(
    request: WebhookRequest,
  ): Promise<{ status: AttemptStatus; message?: string }> {
    const { destination, body } = request;
    if (destination.kind !== 'assembly') return { status: await post(request) };
    const { state, ...outcome } = await options.runPlugin({ ...destination, context: body });
    return { status: state, ...outcome };
  }

  async function post(request: WebhookRequest): Promise<number | 'timeout' | 'connection'> {
    const timeout = options.timeout(TIMEOUT_MS);
    const to = addressOf(request);
    if (!to) return 'connection';
    try {
      const response = await options.fetch(to.url, {
        method: 'POST',
        headers: { ...request.headers, ...to.headers },
        body: request.body,
        redirect: 'manual',
        signal: AbortSignal.any([timeout, closing.signal]),
      });
      // Only the status counts; the body is thrown away.
      await response.body?.cancel();
      return response.status;
    } catch {
      return timeout.aborted ? 'timeout' : 'connection';
    }
  }

  /** Where a webhook goes now, and what authenticates it; undefined without a target for the plug-in. */
  function addressOf({ destination, body }: WebhookRequest) {
    if (destination.kind === 'endpoint') return destination;
    // A plug-in that runs knows where to, and how to sign.
    if (destination.kind === 'assembly') return undefined;
    if (target === undefined) return undefined;
    const to = { ...target, ...configured(destination.secure) };
    return { url: to.url, headers: signatureHeaders(body, to, now()) };
  }

  function release(): Promise<void> {
    const released = held.splice(0);
    waiting.push(...released);
    pump();
    return Promise.all(released.map((entry) => entry.finished.promise)).then(() => undefined);
  }

  return {
    setTarget(next: WebhookTarget): void {
      target = next;
    },

    /** Replaces the settings; ending a hold releases what was held. */
    configure(next: DeliverySettings): void {
      settings = next;
      shuffle = next.shuffle && seededRandom(next.shuffle.seed);
      if (!next.hold) void release();
    },

    /** Takes a webhook for delivery. Without a target the plug-in has nowhere to send it to. */
    send(request: WebhookRequest): void {
      if (request.destination.kind !== 'assembly' && !addressOf(request)) return;
      const queue = settings.hold ? held : waiting;
      queue.push(add(request, false));
      const chance = shuffle ?? options.random;
      if (settings.duplicate && chance() < settings.duplicate) queue.push(add(request, true));
      pump();
    },

    /** Releases what is held, waits until all of it is delivered or lost, and returns it. */
    async flush(): Promise<Delivery[]> {
      const flushed = [...held];
      await release();
      return flushed.map((entry) => entry.delivery);
    },

    /** Delivers the last webhook (of one contact) once more; `undefined` if there is none. */
    async redeliver(contactId: string | undefined): Promise<Delivery | undefined> {
      const last = [...entries.values()].findLast(
        ({ delivery }) => contactId === undefined || delivery.contactid === contactId,
      );
      if (!last) return undefined;
      const entry = add(last.request, true);
      waiting.push(entry);
      pump();
      await entry.finished.promise;
      return entry.delivery;
    },

    list: (): Delivery[] => [...entries.values()].map((entry) => entry.delivery),

    /** The raw body of a delivery. */
    bodyOf: (id: string): string | undefined => entries.get(id)?.request.body,

    /** Stops: what waits is dropped, what is under way is cut off. */
    async close(): Promise<void> {
      waiting.length = 0;
      held.length = 0;
      closing.abort();
    },
  };
}

const secureConfiguration = z.object({ url: z.string(), secret: z.string() });

/**
 * What the secure configuration of a step gives its plug-in: it is read at every run, so that a change
 * of it is a change of the signature. The one that an organisation begins with leads nowhere.
 */
function configured(text: string | null): Pick<WebhookTarget, 'url' | 'secret'> | undefined {
  if (text === null || text === SEEDED_SECURE_CONFIG) return undefined;
  try {
    return secureConfiguration.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function isTriedAgain(status: AttemptStatus, attempts: number): boolean {
  if (status === 'retry') return attempts < MAX_PLUGIN_RUNS;
  return retriedStatuses.has(status) && attempts < MAX_ATTEMPTS;
}

/** The plug-in's headers: lower-case hex HMAC-SHA256, over `timestamp + "." + body` if it is sent. */
function signatureHeaders(body: string, to: WebhookTarget, nowMs: number): Record<string, string> {
  const hmac = createHmac('sha256', to.secret);
  if (!to.timestamp) return { 'x-dynamics-signature': hmac.update(body).digest('hex') };
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    'x-dynamics-timestamp': timestamp,
    'x-dynamics-signature': hmac.update(`${timestamp}.${body}`).digest('hex'),
  };
}
