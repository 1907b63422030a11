import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameConsentFields } from '../../shared/consent/consent-fields.ts';
import {
  type ConsentRow,
  deriveContactFields,
} from '../../shared/consent/derive-contact-fields.ts';
import { type Channel, CHANNELS, expectedFields, expectedNextChange } from './expected-fields.ts';
import { explore } from './explore.ts';

const NOON_MS = Date.UTC(2026, 10, 22, 12);

/** The ends of JavaScript's time, of Dataverse's, and what PostgreSQL's dates may hold besides. */
const FAR = [
  -8.64e15,
  8.64e15,
  Date.UTC(1752, 11, 31, 23, 59, 59),
  Date.UTC(1753, 0, 1),
  Date.UTC(9999, 11, 31, 23, 59, 59, 999),
  0,
].map((ms) => new Date(ms));

// Few moments, less than a second apart, so that equal times and expiries "now" are common.
const near = fc.integer({ min: -2, max: 2 }).map((step) => new Date(NOON_MS + step * 700));
const moment = fc.oneof(
  { arbitrary: near, weight: 12 },
  { arbitrary: fc.constantFrom(...FAR), weight: 1 },
  { arbitrary: fc.date({ noInvalidDate: true }), weight: 1 },
);
const now = near;
// PostgreSQL's infinities are read as null too.
const momentOrNull = fc.option(moment, { freq: 2 });

const consent: fc.Arbitrary<ConsentRow> = fc.record({
  id: fc.uuid(),
  consentType: fc.constantFrom<string>(...CHANNELS, ...CHANNELS, 'research', '__proto__', ''),
  status: fc.oneof(
    { arbitrary: fc.constantFrom('active', 'active', 'revoked', 'expired', 'pending'), weight: 12 },
    { arbitrary: fc.constantFrom('Active', 'withdrawn', '', '__proto__'), weight: 1 },
  ),
  grantedAt: momentOrNull,
  expiresAt: momentOrNull,
  revokedAt: fc.option(moment, { freq: 1 }),
  createdAt: momentOrNull,
});

/** Another row that was decided at the same moment, in another way or known from another column. */
const twin = fc.constantFrom<((row: ConsentRow) => ConsentRow)[]>(
  (row) => ({ ...row, grantedAt: null, createdAt: row.grantedAt }),
  (row) => ({ ...row, revokedAt: row.grantedAt }),
  (row) => ({ ...row, status: 'expired' }),
  (row) => ({ ...row, expiresAt: null }),
);
const consents = fc
  .tuple(
    fc.array(consent, { maxLength: 6 }),
    fc.array(fc.tuple(fc.nat({ max: 5 }), twin), { maxLength: 2 }),
  )
  .map(([rows, twins]) => [
    ...rows,
    ...twins.flatMap(([index, twinOf]) => {
      const row = rows[index];
      return row === undefined ? [] : [twinOf(row)];
    }),
  ]);

const channelsOn = (rows: readonly ConsentRow[], at: Date): Channel[] => {
  const { fields } = deriveContactFields(rows, at);
  const on = {
    marketing_email: fields.marketingEmail,
    marketing_sms: fields.marketingSms,
    marketing_phone: fields.marketingPhone,
    marketing_mail: fields.marketingMail,
  };
  return CHANNELS.filter((channel) => on[channel]);
};

describe('whatever the consents are, the fields of the contact', () => {
  test('are those of another way to say it, and change when that says so', async () => {
    await explore(
      fc.property(consents, fc.oneof(now, moment), (rows, at) => {
        const { fields, nextChangeAt } = deriveContactFields(rows, at);
        expect(fields).toEqual(expectedFields(rows, at.getTime()));
        expect(nextChangeAt?.getTime()).toBe(expectedNextChange(rows, at.getTime()));
      }),
      4000,
    );
  });

  test('depend on the rows only: not on their order, nor on how often they are derived', async () => {
    await explore(
      fc.property(
        consents.chain((rows) =>
          fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
        ),
        now,
        ([rows, shuffled], at) => {
          const frozen = Object.freeze(rows.map((row) => Object.freeze({ ...row })));
          const derived = deriveContactFields(frozen, at);
          expect(deriveContactFields(frozen, at)).toEqual(derived);
          expect(deriveContactFields(shuffled, at)).toEqual(derived);
          expect(deriveContactFields([...rows, ...rows], at)).toEqual(derived);
        },
      ),
      1500,
    );
  });

  test('do not mind what decides nothing', async () => {
    const nothing = fc.oneof(
      consent.map((row) => ({ ...row, status: 'pending', revokedAt: null })),
      consent.map((row) => ({ ...row, consentType: 'treatment' })),
    );
    await explore(
      fc.property(consents, nothing, fc.nat({ max: 8 }), now, (rows, idle, position, at) => {
        const more = rows.toSpliced(position, 0, idle);
        expect(deriveContactFields(more, at)).toEqual(deriveContactFields(rows, at));
      }),
      1500,
    );
  });

  test('show no channel that was revoked when, or after, it was last granted', async () => {
    await explore(
      fc.property(
        consents,
        consent,
        fc.constantFrom(...CHANNELS),
        fc.constantFrom(0, 1, 700),
        now,
        (rows, row, consentType, laterMs, at) => {
          const newestMs = Math.max(
            NOON_MS,
            ...rows.flatMap(({ grantedAt, revokedAt, createdAt }) =>
              [grantedAt, revokedAt, createdAt].map((time) => time?.getTime() ?? -Infinity),
            ),
          );
          const revokedAt = new Date(Math.min(newestMs + laterMs, 8.64e15));
          const revoked = { ...row, consentType, revokedAt };
          expect(channelsOn([...rows, revoked], at)).not.toContain(consentType);
        },
      ),
      1500,
    );
  });

  test('show a channel only for a consent in force that was decided last, with dates of such consents', async () => {
    await explore(
      fc.property(consents, now, (rows, at) => {
        const on = channelsOn(rows, at);
        const inForce = rows.filter(
          ({ consentType, status, revokedAt, expiresAt }) =>
            on.includes(consentType as Channel) &&
            status === 'active' &&
            revokedAt === null &&
            (expiresAt === null || expiresAt > at),
        );
        expect(new Set(inForce.map(({ consentType }) => consentType))).toEqual(new Set(on));
        for (const channel of on) {
          const lastMs = Math.max(
            ...inForce
              .filter(({ consentType }) => consentType === channel)
              .map(({ grantedAt, createdAt }) => (grantedAt ?? createdAt)?.getTime() ?? -Infinity),
          );
          const revocations = rows.filter(
            ({ consentType, revokedAt }) => consentType === channel && revokedAt !== null,
          );
          for (const { revokedAt } of revocations) {
            expect(revokedAt?.getTime()).toBeLessThan(lastMs);
          }
        }
        const { fields, nextChangeAt } = deriveContactFields(rows, at);
        const times = (key: 'grantedAt' | 'expiresAt') =>
          inForce.map((row) => deriveContactFields([row], at).fields[SHOWN[key]]);
        expect([...times('grantedAt'), null]).toContain(fields.consentDate);
        expect([...times('expiresAt'), null]).toContain(fields.consentExpires);
        expect(nextChangeAt === null || nextChangeAt > at).toBe(true);
      }),
      2000,
    );
  });

  test('change at the announced time, and not a millisecond before', async () => {
    await explore(
      fc.property(consents, now, fc.double({ min: 0, max: 1, noNaN: true }), (rows, at, share) => {
        const { fields, nextChangeAt } = deriveContactFields(rows, at);
        const fieldsAt = (ms: number) => deriveContactFields(rows, new Date(ms)).fields;
        const untilMs = nextChangeAt === null ? 8.64e15 : nextChangeAt.getTime() - 1;
        const betweenMs = at.getTime() + Math.floor((untilMs - at.getTime()) * share);
        for (const ms of [untilMs, betweenMs]) expect(fieldsAt(ms)).toEqual(fields);
        if (nextChangeAt === null) return;
        expect(sameConsentFields(fieldsAt(nextChangeAt.getTime()), fields)).toBe(false);
      }),
      1500,
    );
  });
});

const SHOWN = { grantedAt: 'consentDate', expiresAt: 'consentExpires' } as const;
