import { decideWebhook, OWN_WRITE_TAG } from '../../shared/webhook/decide-webhook.ts';
import { type Contact, DATAVERSE_ORGANIZATION_ID } from './dataverse.ts';
import type { SimulatedQueue } from './queue.ts';
import type { World } from './world.ts';

const LATEST_MS = 200_000;

export interface Webhooks {
  /** Dataverse tells of a change, sometimes late, twice or not at all. */
  fire(contact: Contact, message: 'Create' | 'Update' | 'Delete' | 'Restore'): void;
  /** The echo of a write of ours. */
  echo(contact: Contact): void;
  /**
   * While nothing reconciles, the last webhook of a contact must not be lost for good: those that were
   * are followed by another one here. The reconciler will have to do without.
   */
  repeatLost(): void;
}

export function createWebhooks(world: World, queue: SimulatedQueue): Webhooks {
  const unheard = new Set<Contact>();
  let count = 0;

  function deliver(contact: Contact, messageName: string, tag: string | undefined, id: string) {
    const decision = decideWebhook(
      {
        messageName,
        primaryEntityName: 'contact',
        primaryEntityId: contact.id,
        organizationId: DATAVERSE_ORGANIZATION_ID,
        operationId: world.random.uuid(id),
        correlationId: world.random.uuid(id),
        owningExtensionId: undefined,
        depth: 1,
        tag,
      },
      new Date(world.now()),
    );
    if (decision.action === 'enqueue') queue.add({ body: JSON.stringify(decision.event) });
  }

  function send(contact: Contact, messageName: string, tag?: string) {
    count += 1;
    const id = `webhook ${count}`;
    const fault = world.fault(id, ['webhook lost', 'webhook late', 'webhook doubled']);
    const says = `${id} (${messageName} of ${contact.name})`;
    if (fault === 'webhook lost') {
      world.note(`${says} is lost`);
      if (tag === undefined) unheard.add(contact);
      return;
    }
    if (fault !== undefined) world.note(`${says} is ${fault.slice('webhook '.length)}`);
    const latest = fault === 'webhook late' ? LATEST_MS : 2_000;
    world.after(world.random.between(`${id} delay`, 50, latest), () =>
      deliver(contact, messageName, tag, id),
    );
    if (fault === 'webhook doubled') {
      world.after(world.random.between(`${id} again`, 50, LATEST_MS), () =>
        deliver(contact, messageName, tag, id),
      );
    }
  }

  return {
    fire: (contact, message) => send(contact, message),
    echo: (contact) => send(contact, 'Update', OWN_WRITE_TAG),
    repeatLost() {
      for (const contact of unheard) {
        world.note(`another webhook of ${contact.name}`);
        send(contact, contact.alive ? 'Update' : 'Delete');
      }
      unheard.clear();
    },
  };
}
