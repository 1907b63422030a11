import { parseExecutionContext } from '../../../shared/webhook/execution-context.ts';
import { decideWebhook } from '../../../shared/webhook/decide-webhook.ts';
import type { RunningStack } from '../running-stack.ts';

export interface Delivery {
  readonly id: string;
  readonly contactid: string;
  readonly duplicate: boolean;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly statuses: readonly (number | string)[];
}

interface Deliveries {
  readonly pending: number;
  readonly deliveries: readonly Delivery[];
}

const PARALLEL = 20;
const MAX_REPEATS = 10;

export const listDeliveries = (it: RunningStack) => it.control<Deliveries>('GET', '/deliveries');

/**
 * Contacts whose newest webhook has failed for good. A webhook that is lost leaves nothing behind, and
 * nothing reconciles yet: until a reconciler does, somebody has to send another one.
 */
export function unheardContacts(deliveries: readonly Delivery[]): string[] {
  const newest = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    // In the order of the events; a duplicate stands behind what it repeats.
    const group = delivery.duplicate ? (newest.get(delivery.contactid) ?? []) : [];
    newest.set(delivery.contactid, [...group, delivery]);
  }
  return [...newest].flatMap(([contactId, group]) =>
    group.some(({ state }) => state === 'delivered') ? [] : contactId,
  );
}

/** Sends those again that were lost and would be missed. Returns how many. */
export async function repeatLost(it: RunningStack): Promise<number> {
  const { deliveries } = await listDeliveries(it);
  const unheard = unheardContacts(deliveries);
  await inParallel(unheard, async (contactid) => {
    for (let n = 1; n <= MAX_REPEATS; n += 1) {
      const again = await it.control<Delivery>('POST', '/deliveries/redeliver', { contactid });
      if (again.state === 'delivered') return;
    }
    throw new Error(`a webhook failed ${MAX_REPEATS} times with nothing in its way`);
  });
  return unheard.length;
}

/** Ids of the events whose webhooks were answered with 200. */
export async function acceptedEventIds(
  it: RunningStack,
  deliveries: readonly Delivery[],
): Promise<Set<string>> {
  const ids = new Set<string>();
  const accepted = deliveries.filter(({ state }) => state === 'delivered');
  await inParallel(accepted, async ({ id }) => {
    const body = await it.control('GET', `/deliveries/${id}/body`);
    const parsed = parseExecutionContext(Buffer.from(JSON.stringify(body)));
    if (!parsed.ok) throw new Error(`a webhook that was accepted is ${parsed.problem}`);
    const decision = decideWebhook(parsed.context, new Date());
    if (decision.action === 'enqueue') ids.add(decision.event.eventId);
  });
  return ids;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
