import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import type { Random } from '../../simulation/random.ts';
import type { RunningStack } from '../running-stack.ts';
import { CHANNELS, type Decision, type Person } from './person.ts';

const PUBLISHING = ['once', 'once', 'once', 'once', 'twice', 'never'] as const;

/** One in so many grants ends while the run is on. */
const SHORT_SHARE = 0.15;
const SHORT_EXPIRY_MS = { from: 3_000, to: 20_000 } as const;
const LONG_EXPIRY_MS = 365 * 24 * 3_600_000;
const REVOCATION_SHARE = 0.4;

/** ConsentHub tries a commit again for so long while its database is away. */
const COMMIT_PATIENCE_MS = 120_000;
const COMMIT_RETRY_MS = 100;

const INSERT = `
  insert into consents (id, organization_id, patient_id, consent_type, status, granted_at, revoked_at,
    expires_at)
  select $1, organization_id, id, $3, $4, $5, $6, $7 from patients where id = $2
  on conflict (id) do nothing`;

const REVOKE = `update consents set status = 'revoked', revoked_at = $2 where id = $1`;

/**
 * What people decide in ConsentHub: the same statements and the same messages as ConsentHub's, and its
 * mishaps: an event that is never sent, or sent twice.
 *
 * It never changes a name, an email or a phone; the simulation does.
 */
export function createConsentHub(it: RunningStack, random: Random) {
  const did = {
    grants: 0,
    revocations: 0,
    neverPublished: 0,
    publishedTwice: 0,
    commitsRetried: 0,
  };
  const eventIds: string[] = [];

  /** A connection that ends leaves open whether it was committed: every statement may run twice. */
  async function commit(text: string, values: readonly unknown[]): Promise<void> {
    const deadline = performance.now() + COMMIT_PATIENCE_MS;
    for (;;) {
      try {
        await it.sql(text, [...values]);
        return;
      } catch (error) {
        if (!isAway(error) || performance.now() > deadline) throw error;
        did.commitsRetried += 1;
        await delay(COMMIT_RETRY_MS);
      }
    }
  }

  async function publish(patientId: string, decision: Decision, key: string): Promise<void> {
    const publishing = random.pick(`${key} publishing`, PUBLISHING);
    if (publishing === 'never') {
      did.neverPublished += 1;
      return;
    }
    const event = {
      eventId: random.uuid(`${key} event`),
      type: decision.kind === 'grant' ? 'consent.granted' : 'consent.revoked',
      patientId,
      consentId: decision.consentId,
      occurredAt: new Date(decision.atMs).toISOString(),
    };
    await it.publish(event);
    eventIds.push(event.eventId);
    if (publishing === 'once') return;
    await it.publish(event);
    did.publishedTwice += 1;
  }

  return {
    did,
    /** Of all events that were published. */
    eventIds,

    /** Grants a channel or takes one back, once the person is a patient. */
    async decide(person: Person, key: string): Promise<void> {
      const patientId = await person.patient.promise;
      if (patientId === undefined) return;
      const channel = random.pick(`${key} channel`, CHANNELS);
      const newest = person.decisions.findLast((one) => one.channel === channel);
      const atMs = Math.max(Date.now(), (person.decisions.at(-1)?.atMs ?? 0) + 1);
      const type = `marketing_${channel}`;

      if (random.chance(`${key} revokes`, REVOCATION_SHARE)) {
        const granted = newest?.kind === 'grant' ? newest.consentId : undefined;
        const consentId = granted ?? random.uuid(`${key} consent`);
        const at = new Date(atMs);
        if (granted !== undefined) await commit(REVOKE, [granted, at]);
        else await commit(INSERT, [consentId, patientId, type, 'revoked', null, at, null]);
        const decision = {
          channel,
          kind: 'revocation',
          atMs,
          expiresAtMs: null,
          consentId,
        } as const;
        person.decisions.push(decision);
        did.revocations += 1;
        await publish(patientId, decision, key);
        return;
      }

      const short = random.chance(`${key} short`, SHORT_SHARE);
      const { from, to } = SHORT_EXPIRY_MS;
      const lastsMs = short ? random.between(`${key} lasts`, from, to) : LONG_EXPIRY_MS;
      const expires = short || random.chance(`${key} expires`, 0.5);
      const expiresAtMs = expires ? atMs + lastsMs : null;
      const consentId = random.uuid(`${key} consent`);
      const expiry = expiresAtMs === null ? null : new Date(expiresAtMs);
      await commit(INSERT, [consentId, patientId, type, 'active', new Date(atMs), null, expiry]);
      const decision = { channel, kind: 'grant', atMs, expiresAtMs, consentId } as const;
      person.decisions.push(decision);
      did.grants += 1;
      await publish(patientId, decision, key);
    },
  };
}

/** The connection failed, or the server is on its way down or up (SQLSTATE classes 08 and 57). */
export function isAway(error: unknown): boolean {
  return !(error instanceof DatabaseError) || /^(?:08|57)/.test(error.code ?? '');
}
