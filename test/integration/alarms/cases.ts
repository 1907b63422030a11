import { consents } from './consents.ts';
import { contacts } from './contacts.ts';
import { dataverse } from './dataverse.ts';
import type { Functions } from './functions.ts';
import type { Queues } from './queues.ts';
import { reconciles } from './reconciles.ts';
import { sealing } from './sealing.ts';
import { sweep } from './sweeps.ts';
import { webhooks } from './webhooks.ts';

/** A minute in which everything is well, and one that the alarm is there for. */
export interface AlarmCase {
  readonly well: () => Promise<unknown>;
  readonly trouble: () => Promise<unknown>;
}

const LATE_MS = 5_000;
const OVERDUE_SECONDS = 300;

const times = async (count: number, work: () => Promise<unknown>) => {
  for (let done = 0; done < count; done += 1) await work();
};
const nothing = async () => undefined;

/** A case for every alarm of the template, by its name. */
export function alarmCases(queues: Queues, functions: Functions): Record<string, AlarmCase> {
  const webhook = webhooks();
  return {
    'contact-dead-letters': {
      well: () => queues.empty(),
      trouble: () => queues.poison('contact-events'),
    },
    'consent-dead-letters': {
      well: () => queues.empty(),
      trouble: () => queues.poison('consent-events'),
    },
    'contact-events-old': {
      well: () => queues.empty(),
      trouble: () => queues.send('contact-events'),
    },
    'consent-events-old': {
      well: () => queues.empty(),
      trouble: () => queues.send('consent-events'),
    },
    'contacts-overdue': {
      well: () => sweep(),
      trouble: () => sweep({ contactsDue: OVERDUE_SECONDS }),
    },
    'consents-overdue': {
      well: () => sweep(),
      trouble: () => sweep({ consentsDue: OVERDUE_SECONDS }),
    },
    'contacts-late': {
      well: () => contacts.created(),
      trouble: () => contacts.created(LATE_MS),
    },
    'consents-late': {
      well: () => consents.written(),
      trouble: () => consents.written(LATE_MS),
    },
    'signatures-rejected': {
      well: () => webhook.taken(),
      trouble: async () => {
        await webhook.unsigned();
        await webhook.malformed();
        await webhook.stale();
        await times(2, () => webhook.forged());
      },
    },
    'webhooks-not-taken': {
      well: () => webhook.taken(),
      trouble: async () => {
        await webhook.withoutSecret();
        await times(2, () => webhook.withoutQueue());
      },
    },
    'connection-paused': {
      well: () => dataverse.well(),
      trouble: async () => {
        await dataverse.throttling(30);
        await dataverse.down();
      },
    },
    'sweep-silent': {
      well: () => sweep(),
      trouble: () => sweep({ databaseDown: true }),
    },
    'sealing-silent': {
      well: () => sealing.nothingWaits(),
      trouble: () => sealing.keyReplaced(),
    },
    'reconciler-silent': {
      well: () => reconciles.nothingNew(),
      trouble: () => reconciles.databaseDown(),
    },
    'reconciler-stopped': {
      well: () => reconciles.nothingNew(),
      trouble: async () => {
        await reconciles.forbidden();
        await reconciles.contactsMissing();
      },
    },
    'organization-restored': {
      well: () => reconciles.nothingNew(),
      trouble: () => contacts.setBack(),
    },
    'missed-webhooks': {
      well: () => reconciles.nothingNew(),
      trouble: () => reconciles.webhooksMissed(),
    },
    'consent-drift': {
      well: () => contacts.unchanged(),
      trouble: () => times(5, () => contacts.consentsEdited()),
    },
    'merge-conflicts': {
      well: () => contacts.unchanged(),
      trouble: () => times(5, () => contacts.changedOnBothSides()),
    },
    'patients-to-merge': {
      well: () => sweep(),
      trouble: () => sweep({ patientsToMerge: 1 }),
    },
    'webhook-function-failing': {
      well: () => functions.succeeds('receive-webhook'),
      trouble: () => functions.fails('receive-webhook'),
    },
    'function-errors': {
      well: () => functions.succeeds('sync-contact'),
      trouble: () => times(3, () => functions.fails('sync-contact')),
    },
    'function-throttles': {
      well: () => functions.succeeds('sync-consent'),
      trouble: () => functions.refuses('sync-consent'),
    },
    'function-slow': {
      well: () => functions.succeeds('connection-status'),
      trouble: () => functions.takes('connection-status', 8_000),
    },
    // Pages while any of its alarms is on: here, because nobody sweeps.
    page: { well: () => sweep(), trouble: nothing },
  };
}

/** Everything that the functions can measure, once. */
export async function measureEverything(queues: Queues): Promise<void> {
  const { taken, ignored, unsigned, malformed, forged, stale, tooLarge } = webhooks();
  for (const receive of [taken, ignored, unsigned, malformed, forged, stale, tooLarge]) {
    await receive();
  }
  await webhooks().withoutSecret();
  await webhooks().withoutQueue();
  for (const sync of [
    ...Object.values(contacts),
    ...Object.values(consents),
    ...Object.values(reconciles),
    ...Object.values(sealing),
  ]) {
    await sync();
  }
  await sweep({ contactsDue: 1, consentsDue: 1, expired: 3 });
  await dataverse.well();
  await dataverse.throttling(5);
  await dataverse.down();
  await dataverse.refusing();
  await dataverse.away();
  await queues.putAsideForEachReason();
}
