import type { ConsentEvent } from '../../shared/queue/consent-event.ts';
import type { SimulatedDatabase } from './database.ts';
import { type Contact, PROFILE_COLUMNS, type ProfileColumn } from './organization.ts';
import type { SimulatedQueue } from './queue.ts';
import type { World } from './world.ts';

export const ORGANIZATION_ID = '0a000000-0000-4000-8000-00000000c0c0';

export type Channel = 'email' | 'sms';
/** Whether ConsentHub tells of a change: it may crash before, send late, or send twice. */
export type Publishing = 'once' | 'twice' | 'late' | 'never';

/** What ConsentHub itself remembers of a consent, apart from the database. */
export interface Decision {
  readonly id: string;
  /** Whoever the patient was merged into. */
  patientId: string;
  readonly channel: Channel;
  readonly grantedAtMs: number | null;
  readonly expiresAtMs: number | null;
  revokedAtMs: number | null;
}

/** A field of a person as somebody set it, here or in Dynamics. */
export interface Edit {
  readonly contact: Contact;
  readonly column: ProfileColumn;
  readonly value: string;
  readonly by: 'Dynamics' | 'ConsentHub';
}

export const PATIENT_COLUMNS: Readonly<Record<ProfileColumn, string>> = {
  firstname: 'first_name',
  lastname: 'last_name',
  emailaddress1: 'email',
  telephone1: 'phone',
};

const LATE_MS = 150_000;

export interface ConsentHub {
  readonly decisions: readonly Decision[];
  /** Patients that were erased, or merged into another. */
  readonly erased: ReadonlySet<string>;
  patientOf(contact: Contact): Promise<string | undefined>;
  grant(
    contact: Contact,
    channel: Channel,
    options: { expiresInMs: number | null; publishing: Publishing },
  ): Promise<void>;
  /** `same instant`: in a row of its own, at the very time of the newest grant. */
  revoke(
    contact: Contact,
    channel: Channel,
    options: { how: 'update' | 'insert' | 'same instant'; publishing: Publishing },
  ): Promise<void>;
  edit(
    contact: Contact,
    column: ProfileColumn,
    value: string,
    publishing: Publishing,
  ): Promise<boolean>;
  /** A consent that decides nothing for Dynamics. */
  addIrrelevant(contact: Contact, publishing: Publishing): Promise<void>;
  /** An unlinked patient with the name and email of a contact. */
  register(contact: Contact): Promise<void>;
  erase(contact: Contact): Promise<void>;
  /** One patient gets the consents of both, the other is deleted. False if there are no two. */
  mergePatients(contact: Contact, master: Contact): Promise<boolean>;
  publishNonsense(contact: Contact, kind: Nonsense): Promise<void>;
  /** Reasons of the messages that must end up as dead letters. */
  readonly poison: readonly string[];
}

export type Nonsense = 'malformed' | 'unknown_type' | 'unknown_patient';

/** ConsentHub: each change is a transaction of its own; messages follow, or do not. */
export function createConsentHub(
  world: World,
  database: SimulatedDatabase,
  queue: SimulatedQueue,
): ConsentHub {
  const decisions: Decision[] = [];
  const erased = new Set<string>();
  const poison: string[] = [];
  let ids = 0;
  const newId = () => {
    ids += 1;
    return world.random.uuid(`consenthub ${ids}`);
  };

  async function patientOf(contact: Contact): Promise<string | undefined> {
    const [patient] = await database.sql<{ id: string }>(
      'select id from patients where dynamics_contact_id = $1 order by id limit 1',
      [contact.id],
    );
    return patient?.id;
  }

  function publish(
    patientId: string,
    type: ConsentEvent['type'],
    consentId: string | undefined,
    publishing: Publishing,
  ) {
    const body = JSON.stringify({
      version: 1,
      eventId: newId(),
      type,
      organizationId: ORGANIZATION_ID,
      patientId,
      ...(consentId !== undefined && { consentId }),
      occurredAt: new Date(world.now()).toISOString(),
    });
    const delays = { once: [5], twice: [5, LATE_MS / 3], late: [LATE_MS], never: [] }[publishing];
    for (const delayMs of delays) world.after(delayMs, () => queue.add({ body }));
  }

  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

  async function insert(decision: Decision, type: string, status: string) {
    await database.sql(
      `insert into consents (
         id, organization_id, patient_id, consent_type, status, granted_at, expires_at, revoked_at
       ) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        decision.id,
        ORGANIZATION_ID,
        decision.patientId,
        type,
        status,
        time(decision.grantedAtMs),
        time(decision.expiresAtMs),
        time(decision.revokedAtMs),
      ],
    );
  }

  return {
    decisions,
    erased,
    poison,
    patientOf,

    async grant(contact, channel, { expiresInMs, publishing }) {
      const patientId = await patientOf(contact);
      if (patientId === undefined) return;
      const decision: Decision = {
        id: newId(),
        patientId,
        channel,
        grantedAtMs: world.now(),
        expiresAtMs: expiresInMs === null ? null : world.now() + expiresInMs,
        revokedAtMs: null,
      };
      await insert(decision, `marketing_${channel}`, 'active');
      decisions.push(decision);
      publish(patientId, 'consent.granted', decision.id, publishing);
    },

    async revoke(contact, channel, { how, publishing }) {
      const patientId = await patientOf(contact);
      if (patientId === undefined) return;
      const granted = decisions.findLast(
        (one) => one.patientId === patientId && one.channel === channel && one.grantedAtMs !== null,
      );
      if (how === 'update' && granted?.revokedAtMs === null) {
        await database.sql(
          "update consents set status = 'revoked', revoked_at = now(), updated_at = now() where id = $1",
          [granted.id],
        );
        granted.revokedAtMs = world.now();
        publish(patientId, 'consent.revoked', granted.id, publishing);
        return;
      }
      const decision: Decision = {
        id: newId(),
        patientId,
        channel,
        grantedAtMs: null,
        expiresAtMs: null,
        revokedAtMs: how === 'same instant' ? (granted?.grantedAtMs ?? world.now()) : world.now(),
      };
      await insert(decision, `marketing_${channel}`, 'revoked');
      decisions.push(decision);
      publish(patientId, 'consent.revoked', decision.id, publishing);
    },

    async edit(contact, column, value, publishing) {
      const patientId = await patientOf(contact);
      if (patientId === undefined) return false;
      await database.sql(
        `update patients set ${PATIENT_COLUMNS[column]} = $2, updated_at = now() where id = $1`,
        [patientId, value],
      );
      publish(patientId, 'patient.updated', undefined, publishing);
      return true;
    },

    async addIrrelevant(contact, publishing) {
      const patientId = await patientOf(contact);
      if (patientId === undefined) return;
      const pending = world.random.chance(`irrelevant ${ids}`, 0.5);
      const decision: Decision = {
        id: newId(),
        patientId,
        channel: 'email',
        grantedAtMs: world.now(),
        expiresAtMs: null,
        revokedAtMs: null,
      };
      await insert(
        decision,
        pending ? 'marketing_email' : 'treatment',
        pending ? 'pending' : 'active',
      );
      publish(patientId, 'consent.granted', decision.id, publishing);
    },

    async register(contact) {
      const values = PROFILE_COLUMNS.map((column) => String(contact.columns[column] ?? ''));
      await database.sql(
        `insert into patients (id, organization_id, first_name, last_name, email, phone)
         values ($1, $2, $3, $4, $5, $6)`,
        [newId(), ORGANIZATION_ID, ...values],
      );
    },

    async erase(contact) {
      const patientId = await patientOf(contact);
      if (patientId === undefined) return;
      await database.sql(
        `with gone as (delete from consents where patient_id = $1 returning 1)
         select count(*) from gone`,
        [patientId],
      );
      await database.sql('delete from patients where id = $1', [patientId]);
      erased.add(patientId);
    },

    async mergePatients(contact, master) {
      const [from, into] = [await patientOf(contact), await patientOf(master)];
      if (from === undefined || into === undefined) return false;
      await database.sql('update consents set patient_id = $2 where patient_id = $1', [from, into]);
      for (const decision of decisions) if (decision.patientId === from) decision.patientId = into;
      await database.sql('delete from patients where id = $1', [from]);
      erased.add(from);
      return true;
    },

    async publishNonsense(contact, kind) {
      const patientId = (await patientOf(contact)) ?? newId();
      poison.push(kind);
      const event = {
        version: 1,
        eventId: newId(),
        type: kind === 'unknown_type' ? 'consent.discussed' : 'patient.updated',
        organizationId: ORGANIZATION_ID,
        patientId: kind === 'unknown_patient' ? newId() : patientId,
        occurredAt: new Date(world.now()).toISOString(),
      };
      queue.add({ body: kind === 'malformed' ? '{' : JSON.stringify(event) });
    },
  };
}
