import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import { ACTION_NAMES, type ActionName } from './action-names.ts';
import type { Channel, ConsentHub, Edit, Nonsense, Publishing } from './consenthub.ts';
import type { Focus } from './faults.ts';
import { type Dataverse, OUTAGES } from './dataverse.ts';
import { type Contact, type Organization, PROFILE_COLUMNS } from './organization.ts';
import type { WebhookSecret } from './webhook-secret.ts';
import { FORGERIES, type Webhooks } from './webhooks.ts';
import type { SimulatedQueue } from './queue.ts';
import type { Random } from './random.ts';
import { CALM_MS, type World } from './world.ts';

/** Few, so that they meet; and few actions, so that the last one is not made good by another. */
const CONTACTS = [1, 1, 2] as const;
const ACTION_COUNTS = [0, 2, 4, 8, 14] as const;
/** While Dataverse is away for hours. */
const ACTIONS_IN_OUTAGE = 30;
/** Besides those, so many happen just while a call is under way. */
const MEANWHILE_OF =
  /^(?:GET|PATCH|UpdateMultiple|claim-contacts|settle-contact|apply-contacts|read-contacts)/;
const MEANWHILE_COUNTS = [1, 2, 4, 8] as const;
/** Actions follow each other at once, soon, or when everything has settled. */
const GAPS_MS = [300, 3_000, 40_000] as const;
/** So long faults go on after the last action at the most: until it is over, or until leases and doubts are. */
const AFTERMATHS_MS = [60_000, 60_000, 400_000] as const;

export interface Stage {
  readonly world: World;
  readonly organization: Organization;
  readonly dataverse: Pick<Dataverse, 'outage'>;
  readonly webhooks: Webhooks;
  readonly queues: readonly Pick<SimulatedQueue, 'sendAllAgain'>[];
  readonly secret: WebhookSecret;
  readonly consentHub: ConsentHub;
  readonly edits: Edit[];
  /** Names of what was done. */
  readonly actions: string[];
}

type Do = (stage: Stage, contact: Contact, key: string) => Promise<string> | string;

const CHANNELS: readonly [Channel, ...Channel[]] = ['email', 'sms'];
/** A lost message is the hard case: one that comes later makes good what went wrong before. */
const PUBLISHING: readonly [readonly Publishing[], ...(readonly Publishing[])[]] = [
  ['never'],
  ['once', 'never'],
  ['once', 'never'],
  ['once', 'twice', 'late', 'never'],
];
const CHANNEL_COLUMNS = [
  CONTACT_FIELDS.marketingEmail.logicalName,
  CONTACT_FIELDS.marketingSms.logicalName,
] as const;
const REVOCATIONS = ['update', 'update', 'insert', 'same instant'] as const;

interface Action {
  readonly name: ActionName;
  /** How often, compared with the others. */
  readonly weight: number;
  /** Says what it did. */
  readonly run: Do;
}

/** What people and systems do, how often compared with each other. Each says what it did. */
const ACTIONS: readonly Action[] = [
  {
    name: 'grant',
    weight: 6,
    async run({ consentHub, world }, contact, key) {
      const channel = world.random.pick(`${key} channel`, CHANNELS);
      const publishing = publishingOf(world, key);
      const expiresInMs = world.random.chance(`${key} expires`, 0.4)
        ? world.random.between(`${key} expiry`, 10_000, 300_000)
        : null;
      await consentHub.grant(contact, channel, { expiresInMs, publishing });
      const expiry = expiresInMs === null ? '' : ', which expires';
      return `ConsentHub grants ${channel} for ${contact.name}${expiry} (published: ${publishing})`;
    },
  },
  {
    name: 'revoke',
    weight: 6,
    async run({ consentHub, world }, contact, key) {
      const channel = world.random.pick(`${key} channel`, CHANNELS);
      const publishing = publishingOf(world, key);
      const how = world.random.pick(`${key} how`, REVOCATIONS);
      await consentHub.revoke(contact, channel, { how, publishing });
      return `ConsentHub revokes ${channel} for ${contact.name} by ${how} (published: ${publishing})`;
    },
  },
  {
    name: 'decide for all',
    weight: 2,
    async run({ organization, consentHub, world }, _contact, key) {
      const channel = world.random.pick(`${key} channel`, CHANNELS);
      const grants = world.random.chance(`${key} grants`, 0.5);
      const publishing = publishingOf(world, key);
      for (const contact of organization.contacts.values()) {
        await (grants
          ? consentHub.grant(contact, channel, { expiresInMs: null, publishing })
          : consentHub.revoke(contact, channel, { how: 'update', publishing }));
      }
      const what = grants ? 'grants' : 'revokes';
      return `ConsentHub ${what} ${channel} for everybody (published: ${publishing})`;
    },
  },
  {
    name: 'edit in ConsentHub',
    weight: 3,
    async run({ consentHub, world, edits }, contact, key) {
      const column = world.random.pick(`${key} column`, PROFILE_COLUMNS);
      const value = `pii.host.${key.replaceAll(' ', '')}.${column}`;
      const publishing = publishingOf(world, key);
      if (await consentHub.edit(contact, column, value, publishing)) {
        edits.push({ contact, column, value, by: 'ConsentHub' });
      }
      return `ConsentHub sets ${column} of ${contact.name} to ${value} (published: ${publishing})`;
    },
  },
  {
    name: 'edit in Dynamics',
    weight: 3,
    run({ organization, webhooks, world, edits }, contact, key) {
      if (!contact.alive) return `nobody changes ${contact.name}: it is deleted`;
      const column = world.random.pick(`${key} column`, PROFILE_COLUMNS);
      const value = `pii.user.${key.replaceAll(' ', '')}.${column}`;
      organization.change(contact, { [column]: value });
      edits.push({ contact, column, value, by: 'Dynamics' });
      webhooks.fire(contact, 'Update');
      return `a user sets ${column} of ${contact.name} to ${value}`;
    },
  },
  {
    name: 'touch in Dynamics',
    weight: 1,
    run({ organization, webhooks }, contact) {
      if (!contact.alive) return `nobody changes ${contact.name}: it is deleted`;
      organization.change(contact, { jobtitle: 'changed' });
      webhooks.fire(contact, 'Update');
      return `a user changes another column of ${contact.name}`;
    },
  },
  {
    name: 'delete or restore',
    weight: 2,
    run({ organization, webhooks }, contact) {
      if (contact.alive) {
        organization.remove(contact);
        webhooks.fire(contact, 'Delete');
        return `a user deletes ${contact.name}`;
      }
      organization.restore(contact);
      webhooks.fire(contact, 'Restore');
      return `a user restores ${contact.name}`;
    },
  },
  {
    name: 'irrelevant consent',
    weight: 1,
    async run({ consentHub, world }, contact, key) {
      await consentHub.addIrrelevant(contact, publishingOf(world, key));
      return `ConsentHub adds a consent of ${contact.name} that is no marketing or pending`;
    },
  },
  {
    name: 'erase',
    weight: 0.5,
    async run({ consentHub }, contact) {
      await consentHub.erase(contact);
      return `ConsentHub erases the patient of ${contact.name}`;
    },
  },
  {
    name: 'nonsense',
    weight: 0.5,
    async run({ consentHub, world }, contact, key) {
      const kinds: readonly [Nonsense, ...Nonsense[]] = [
        'malformed',
        'unknown_type',
        'unknown_patient',
      ];
      const kind = world.random.pick(`${key} nonsense`, kinds);
      await consentHub.publishNonsense(contact, kind);
      return `ConsentHub publishes nonsense: ${kind}`;
    },
  },
  {
    name: 'forgery',
    weight: 1,
    run({ webhooks, world }, contact, key) {
      const forgery = world.random.pick(`${key} forgery`, FORGERIES);
      webhooks.forge(contact, forgery, key);
      return `somebody posts a webhook of ${contact.name}: ${forgery}`;
    },
  },
  {
    name: 'rotation',
    weight: 0.5,
    run({ secret }, _contact, key) {
      secret.rotate(key);
      return 'the secret of the webhook is rotated';
    },
  },
  {
    name: 'redrive',
    weight: 0.5,
    run({ queues }) {
      const count = queues.reduce((sum, queue) => sum + queue.sendAllAgain(), 0);
      return `somebody sends all ${count} messages again, old ones too`;
    },
  },
  {
    name: 'edit consents in Dynamics',
    weight: 2,
    run({ organization, webhooks, world }, contact, key) {
      if (!contact.alive) return `nobody changes ${contact.name}: it is deleted`;
      const column = world.random.pick(`${key} column`, CHANNEL_COLUMNS);
      const value = world.random.chance(`${key} value`, 0.5);
      organization.change(contact, { [column]: value });
      webhooks.fire(contact, 'Update');
      return `a user sets ${column} of ${contact.name} to ${value}`;
    },
  },
  {
    name: 'expire links',
    weight: 0.5,
    run({ organization }) {
      organization.expireLinks();
      return 'the links of change tracking expire';
    },
  },
  {
    name: 'merge',
    weight: 4,
    run({ organization, webhooks, world }, contact, key) {
      const masters = [...organization.contacts.values()].filter(
        (one) => one !== contact && one.alive && one.mergedInto === undefined,
      );
      const master = masters[world.random.between(`${key} master`, 0, masters.length - 1)];
      if (!contact.alive || contact.mergedInto !== undefined || master === undefined) {
        return `nobody merges ${contact.name}`;
      }
      organization.merge(contact, master, world.random.chance(`${key} takes`, 0.5));
      webhooks.fire(master, 'Update');
      webhooks.fire(contact, 'Update');
      return `a user merges ${contact.name} into ${master.name}`;
    },
  },
  {
    name: 'merge patients',
    weight: 1,
    async run({ consentHub }, contact) {
      const master = contact.mergedInto;
      if (master === undefined || !(await consentHub.mergePatients(contact, master))) {
        return `nobody merges the patient of ${contact.name}`;
      }
      return `ConsentHub merges the patient of ${contact.name} into that of ${master.name}`;
    },
  },
  {
    name: 'outage',
    weight: 1,
    run({ dataverse, world }, _contact, key) {
      const outage = world.random.pick(`${key} outage`, OUTAGES);
      dataverse.outage = outage;
      world.after(world.random.between(`${key} ends`, 1_000, 120_000), () => {
        dataverse.outage = undefined;
        world.note('Dataverse is back');
      });
      return `Dataverse is away: ${outage}`;
    },
  },
];

function publishingOf({ random }: World, key: string): Publishing {
  // Nobody tells of what happens meanwhile: only the row itself can.
  const modes = isMeanwhile(key) ? [] : random.pick('publishing', PUBLISHING);
  return modes[random.between(`${key} publishing`, 0, modes.length - 1)] ?? 'never';
}

/** Actions of the plan are numbered, the others are called by the call that they happen in. */
const isMeanwhile = (key: string): boolean => key.includes('#');

function actionOf(random: Random, key: string, cast: readonly ActionName[]): Action {
  const possible = ACTIONS.filter(({ name }) => cast.includes(name));
  const total = possible.reduce((sum, { weight }) => sum + weight, 0);
  let rest = random.unit(`${key} kind`) * total;
  for (const action of possible) {
    if (rest < action.weight) return action;
    rest -= action.weight;
  }
  throw new RangeError('weights do not add up');
}

/** Plans what people do in a run, and says when it is over. Contacts come into being first. */
export function planScript(stage: Stage, focus: Focus | undefined): number {
  const { cast = ACTION_NAMES, namesakes = stage.world.random.chance('namesakes', 0.2) } =
    focus ?? {};
  const { world, organization, dataverse, webhooks, consentHub, edits, actions } = stage;
  const { random } = world;
  const contacts: Contact[] = [];

  const contactCount = namesakes ? 2 : (focus?.contacts ?? random.pick('contacts', CONTACTS));
  for (let n = 1; n <= contactCount; n += 1) {
    const key = `contact ${n}`;
    const arrivesMs = namesakes ? CALM_MS : n === 1 ? 0 : random.between(key, CALM_MS, 30_000);
    world.after(arrivesMs, async () => {
      if (!world.included(key)) return;
      const columns = Object.fromEntries(
        PROFILE_COLUMNS.map((column) => [column, `pii.C${namesakes ? 0 : n}.${column}`]),
      );
      const contact = organization.create(random.uuid(key), `C${n}`, columns);
      contacts.push(contact);
      for (const column of PROFILE_COLUMNS) {
        edits.push({ contact, column, value: String(columns[column]), by: 'Dynamics' });
      }
      world.note(`a user creates ${contact.name}${namesakes ? ', a namesake' : ''}`);
      if (namesakes ? n === 1 : random.chance(`${key} registered`, 0.3)) {
        await consentHub.register(contact);
        world.note(`ConsentHub knows a patient like ${contact.name}`);
      }
      webhooks.fire(contact, 'Create');
    });
  }

  const act = async (key: string, about: string) => {
    if (contacts.length === 0 || !world.included(key)) return;
    const contact =
      contacts.find(({ name }) => about.includes(name)) ??
      contacts[random.between(`${key} contact`, 0, contacts.length - 1)];
    if (contact === undefined) return;
    const action = actionOf(random, key, cast);
    actions.push(action.name);
    world.note(await action.run(stage, contact, key));
  };

  const { outage } = focus ?? {};
  if (outage !== undefined) {
    world.after(CALM_MS, () => {
      dataverse.outage = outage.kind;
      world.note(`Dataverse is away: ${outage.kind}`);
    });
    const everyMs = outage.lastsMs / (ACTIONS_IN_OUTAGE + 1);
    for (let n = 1; n <= ACTIONS_IN_OUTAGE; n += 1) {
      world.after(CALM_MS + n * everyMs, () => act(`action ${n}`, ''));
    }
    return CALM_MS + outage.lastsMs;
  }

  const count = random.pick('actions', ACTION_COUNTS);
  let atMs = CALM_MS;
  for (let n = 1; n <= count; n += 1) {
    const key = `action ${n}`;
    atMs += random.between(`${key} gap`, 0, random.pick(`${key} pace`, GAPS_MS));
    world.after(atMs, () => act(key, ''));
  }

  let meanwhile: number = random.pick('meanwhile count', MEANWHILE_COUNTS);
  world.onCall(({ key, label, underWayMs }) => {
    const about = MEANWHILE_OF.test(label) && contacts.some(({ name }) => label.includes(name));
    if (!about || meanwhile === 0 || world.fault(key, label, ['meanwhile']) === undefined) return;
    meanwhile -= 1;
    const delayMs = random.between(`${key} moment`, 0, underWayMs);
    world.after(delayMs, () => act(`${key} action`, label));
  });
  return atMs + random.between('aftermath', 5_000, random.pick('patience', AFTERMATHS_MS));
}
