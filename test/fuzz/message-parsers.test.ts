import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ConsentChange,
  ConsentChangeInvalid,
  toConsentEvent,
} from '../../shared/publisher/consent-change.ts';
import { type ConsentEvent, parseConsentEvent } from '../../shared/queue/consent-event.ts';
import { parseContactEvent } from '../../shared/queue/contact-event.ts';
import { consumeConsents, consumeContacts } from './consumers.ts';
import { explore } from './explore.ts';
import { expectNothingPersonal, personal } from './personal-data.ts';
import {
  alteredConsent,
  alteredContact,
  alteredText,
  genuineConsent,
  genuineContact,
  nonsense,
} from './queue-messages.ts';

const COMMON = ['version', 'eventId', 'type'];

const QUEUES = [
  {
    queue: 'contact-events',
    parse: parseContactEvent,
    consume: consumeContacts,
    genuine: genuineContact,
    altered: alteredContact,
    fieldSets: [[...COMMON, 'dataverseOrganizationId', 'contactId', 'receivedAt', 'correlationId']],
    ids: ['dataverseOrganizationId', 'contactId'],
    time: 'receivedAt',
  },
  {
    queue: 'consent-events',
    parse: parseConsentEvent,
    consume: consumeConsents,
    genuine: genuineConsent,
    altered: alteredConsent,
    fieldSets: [
      [...COMMON, 'organizationId', 'patientId', 'occurredAt', 'consentId'],
      [...COMMON, 'organizationId', 'patientId', 'occurredAt'],
    ],
    ids: ['organizationId', 'patientId', 'consentId'],
    time: 'occurredAt',
  },
] as const;

describe.each(QUEUES)('a message of $queue', (of) => {
  const { parse, consume, genuine, altered, fieldSets, ids, time } = of;
  /** The fields of what the parser took, or undefined with one of the fixed reasons. */
  const fieldsOf = (text: string): Record<string, unknown> | undefined => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.event;
    expect(parsed).toEqual({
      ok: false,
      reason: expect.stringMatching(/^(malformed|unknown_version|unknown_type)$/),
      fields: expect.any(Array),
    });
    // Names of our own fields only: what somebody made up can hold anything.
    expect(fieldSets.flat()).toEqual(expect.arrayContaining([...parsed.fields]));
    return undefined;
  };

  /** What the consumer has to make of a message, in its small world. */
  const fateOf = (text: string): unknown => {
    const parsed = parse(text);
    return parsed.ok
      ? expect.stringMatching(/^done$|^dead: unknown_organization$/)
      : `dead: ${parsed.reason}`;
  };

  test('that is as documented is taken, without what is not documented', async () => {
    await explore(
      fc.property(genuine, (text) => {
        const fields = fieldsOf(text);
        expect(fields).toBeDefined();
        const sent = Object.entries(JSON.parse(text)).filter(([name]) => name in (fields ?? {}));
        const lowerCase = sent.map(([name, value]) =>
          (ids as readonly string[]).includes(name)
            ? [name, String(value).toLowerCase()]
            : [name, value],
        );
        expect(fields).toEqual(Object.fromEntries(lowerCase));
        expectNothingPersonal(JSON.stringify(fields));
      }),
      1000,
    );
  });

  test('never makes the parser throw, and what is kept is complete, stable and fit for the database', async () => {
    await explore(
      fc.property(
        fc.oneof(
          genuine,
          nonsense,
          altered.map((one) => alteredText(one)),
        ),
        (text) => {
          const fields = fieldsOf(text);
          if (fields === undefined) return;
          expect(fieldSets.map((names) => names.toSorted().join())).toContain(
            Object.keys(fields).toSorted().join(),
          );
          expect(parse(JSON.stringify(fields))).toEqual({ ok: true, event: fields });
          expect(Date.parse(String(fields[time]))).not.toBeNaN();
          for (const id of ids) expect(fields[id] ?? '').toMatch(/^[0-9a-f-]{36}$|^$/);
          for (const value of Object.values(fields)) expect(value).toSatisfy(fitsDatabase);
        },
      ),
      3000,
    );
  });

  test('is settled in a batch as it is alone', { tags: ['fault-13'] }, async () => {
    const body = fc.oneof(
      genuine,
      nonsense,
      altered.map((one) => alteredText(one)),
    );
    const message = fc.record({ body, receiveCount: fc.integer({ min: 1, max: 6 }) });
    await explore(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 5 }), async (batch) => {
        const { settled, logged } = await consume(batch);
        const alone = await Promise.all(batch.map(async (one) => (await consume([one])).settled));
        expect(settled).toEqual(alone.flat());
        expect(settled).toEqual(batch.map(({ body: text }) => fateOf(text)));
        expect(logged).not.toMatch(/NaN|null/);
      }),
      500,
    );
  });
});

describe('a change that ConsentHub publishes', () => {
  const FIELD_NAMES = ['organizationId', 'patientId', 'consentId', 'occurredAt', 'eventId', 'type'];

  /** The event, or undefined with an error that names fields and nothing else. */
  const eventOf = (change: ConsentChange): ConsentEvent | undefined => {
    try {
      return toConsentEvent(change, { eventId: 'event-1', occurredAt: new Date(0) });
    } catch (error) {
      if (!(error instanceof ConsentChangeInvalid)) throw error;
      expect([...FIELD_NAMES, 'change']).toEqual(expect.arrayContaining([...error.fields]));
      expectNothingPersonal(inspect(error));
      return undefined;
    }
  };

  test('becomes a message that its consumer takes, or is refused with the names of fields', async () => {
    let taken = 0;
    const value = fc.oneof(
      personal,
      fc.uuid(),
      fc.date(),
      fc.constant(new Date(Number.NaN)),
      fc.anything(),
      fc.constantFrom('consent.granted', 'patient.updated', 'sync.requested', 'a\0b', '\ud800'),
    );
    const change = fc.oneof(
      { arbitrary: genuineConsent.map((text) => JSON.parse(text)), weight: 2 },
      {
        arbitrary: fc
          .tuple(genuineConsent, fc.dictionary(fc.constantFrom(...FIELD_NAMES), value))
          .map(([text, others]) => ({ ...JSON.parse(text), ...others })),
        weight: 4,
      },
      { arbitrary: fc.anything(), weight: 1 },
    );
    await explore(
      fc.property(change, (given) => {
        const event = eventOf(given);
        if (event === undefined) return;
        taken += 1;
        expect(event.type).not.toBe('sync.requested');
        expect(parseConsentEvent(JSON.stringify(event))).toEqual({ ok: true, event });
      }),
      1500,
    );
    expect(taken).toBeGreaterThan(0);
  });
});

/** What `text` and `jsonb` of PostgreSQL can keep. */
function fitsDatabase(value: unknown): boolean {
  return typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'));
}
