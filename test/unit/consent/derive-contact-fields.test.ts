import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ConsentFields,
  consentFieldTime,
  sameConsentFields,
} from '../../../shared/consent/consent-fields.ts';
import {
  type ConsentRow,
  deriveContactFields,
} from '../../../shared/consent/derive-contact-fields.ts';

const NOW = at('12:00');

/** A time of one day. */
function at(time: string): Date {
  return new Date(`2026-11-22T${time}:00.000Z`);
}

function shown(time: string): string {
  return `2026-11-22T${time}:00Z`;
}

const NOTHING: ConsentFields = {
  marketingEmail: false,
  marketingSms: false,
  marketingPhone: false,
  marketingMail: false,
  consentDate: null,
  consentExpires: null,
  consentStatus: 'None',
};

/** An active consent to email, granted at 10:00, without an end. */
function row(changes: Partial<ConsentRow> = {}): ConsentRow {
  return {
    id: '0f8fad5b-d9cb-469f-a165-70867728950e',
    consentType: 'marketing_email',
    status: 'active',
    grantedAt: at('10:00'),
    expiresAt: null,
    revokedAt: null,
    createdAt: at('09:00'),
    ...changes,
  };
}

const revokedAt = (time: string, changes: Partial<ConsentRow> = {}) =>
  row({ status: 'revoked', revokedAt: at(time), ...changes });
const sms = { consentType: 'marketing_sms' };

const EMAIL_ON: ConsentFields = {
  ...NOTHING,
  marketingEmail: true,
  consentDate: shown('10:00'),
  consentStatus: 'Active',
};
const EXPIRED: ConsentFields = { ...NOTHING, consentStatus: 'Expired' };

describe('the fields of a contact', () => {
  test.each<[string, ConsentRow[], ConsentFields]>([
    ['nobody decided anything', [], NOTHING],
    ['email was granted', [row()], EMAIL_ON],
    [
      'each channel was granted',
      ['email', 'sms', 'phone', 'mail'].map((channel) =>
        row({ consentType: `marketing_${channel}` }),
      ),
      { ...EMAIL_ON, marketingSms: true, marketingPhone: true, marketingMail: true },
    ],
    [
      'what was granted has nothing to do with marketing',
      ['treatment', 'research', 'data_sharing', 'hipaa_authorization', 'toString'].map(
        (consentType) => row({ consentType }),
      ),
      NOTHING,
    ],
    ['a consent is pending', [row({ status: 'pending' })], NOTHING],
    ['a status is unknown', [row({ status: 'withdrawn?' })], NOTHING],
    [
      'a newer consent is pending',
      [row(), row({ status: 'pending', grantedAt: at('11:00') })],
      EMAIL_ON,
    ],

    // Revoked is final within a row.
    ['it was revoked', [revokedAt('11:00')], NOTHING],
    ['it has a time of revocation', [row({ revokedAt: at('11:00') })], NOTHING],
    ['it has the status of a revocation', [row({ status: 'revoked' })], NOTHING],
    ['it is pending, but revoked', [row({ status: 'pending', revokedAt: at('11:00') })], NOTHING],
    ['it was revoked before it was granted', [revokedAt('09:00')], NOTHING],
    [
      'it was revoked and would have expired',
      [revokedAt('11:00', { expiresAt: at('11:30') })],
      NOTHING,
    ],
    ['it expired and was revoked', [row({ status: 'expired', revokedAt: at('11:00') })], NOTHING],

    // The newest decision of a channel wins.
    ['it was granted again', [revokedAt('09:30', { grantedAt: at('09:00') }), row()], EMAIL_ON],
    ['an older grant is still there', [row(), revokedAt('11:00', { grantedAt: null })], NOTHING],
    [
      'a revoked row was granted last',
      [row(), revokedAt('09:30', { grantedAt: at('11:00') })],
      NOTHING,
    ],
    [
      'it was granted and revoked at the same instant',
      [row(), revokedAt('10:00', { grantedAt: null })],
      NOTHING,
    ],
    [
      'a grant has only the time of its row',
      [row({ grantedAt: null }), revokedAt('08:00', { grantedAt: null })],
      { ...EMAIL_ON, consentDate: null },
    ],
    [
      'a revocation does not say when it was made, and its row is older than the grant',
      [row(), row({ status: 'revoked', grantedAt: at('08:00'), createdAt: at('08:00') })],
      NOTHING,
    ],
    [
      'a revocation has no time at all',
      [row(), row({ status: 'revoked', grantedAt: null, createdAt: null })],
      NOTHING,
    ],
    [
      'a grant has no time at all',
      [row({ grantedAt: null, createdAt: null }), revokedAt('08:00', { grantedAt: null })],
      NOTHING,
    ],
    [
      'a grant without any time is all there is',
      [row({ grantedAt: null, createdAt: null })],
      { ...EMAIL_ON, consentDate: null },
    ],
    [
      'a channel was granted twice at once, once for a while',
      [row(), row({ expiresAt: at('13:00') })],
      { ...EMAIL_ON, consentExpires: shown('13:00') },
    ],
    [
      'a shorter consent follows a longer one',
      [row({ expiresAt: at('20:00') }), row({ grantedAt: at('11:00'), expiresAt: at('13:00') })],
      { ...EMAIL_ON, consentDate: shown('11:00'), consentExpires: shown('13:00') },
    ],
    [
      'another channel was revoked later',
      [row(), revokedAt('11:00', sms)],
      { ...EMAIL_ON, consentStatus: 'Partial' },
    ],

    [
      'one of two grants at once has only the time of its row',
      [row(), row({ grantedAt: null, createdAt: at('10:00') })],
      EMAIL_ON,
    ],

    // Expiry.
    [
      'it will expire',
      [row({ expiresAt: at('13:00') })],
      { ...EMAIL_ON, consentExpires: shown('13:00') },
    ],
    ['it expired, and its status does not know', [row({ expiresAt: at('11:59') })], EXPIRED],
    ['it expires at this very moment', [row({ expiresAt: NOW })], EXPIRED],
    ['it expired', [row({ status: 'expired', expiresAt: at('11:00') })], EXPIRED],
    ['it is marked as expired without a time', [row({ status: 'expired' })], EXPIRED],
    [
      'it is marked as expired before its time',
      [row({ status: 'expired', expiresAt: at('13:00') })],
      EXPIRED,
    ],
    [
      'it expired and was granted again',
      [row({ status: 'expired', grantedAt: at('08:00') }), row()],
      EMAIL_ON,
    ],
    [
      'one of two grants at once is marked as expired',
      [row(), row({ status: 'expired' })],
      EXPIRED,
    ],
    [
      'an older grant would still hold',
      [row(), row({ grantedAt: at('11:00'), expiresAt: at('11:30') })],
      EXPIRED,
    ],

    // Several channels.
    [
      'one expired and one was revoked',
      [row({ expiresAt: at('11:00') }), revokedAt('11:00', sms)],
      EXPIRED,
    ],
    [
      'one is on and one expired',
      [row(), row({ ...sms, expiresAt: at('11:00') })],
      { ...EMAIL_ON, consentStatus: 'Partial' },
    ],
    ['one is on and one is pending', [row(), row({ ...sms, status: 'pending' })], EMAIL_ON],
    ['all were revoked', [revokedAt('11:00'), revokedAt('11:30', sms)], NOTHING],
    [
      'two are on',
      [
        row({ expiresAt: at('15:00') }),
        row({ ...sms, grantedAt: at('11:00'), expiresAt: at('13:00') }),
      ],
      {
        ...EMAIL_ON,
        marketingSms: true,
        consentDate: shown('11:00'),
        consentExpires: shown('13:00'),
      },
    ],
    [
      'only one of two that are on expires',
      [row({ expiresAt: at('15:00') }), row(sms)],
      { ...EMAIL_ON, marketingSms: true, consentExpires: shown('15:00') },
    ],
    [
      'those that are off have other dates',
      [
        row(),
        row({ ...sms, grantedAt: at('11:00'), expiresAt: at('11:30') }),
        revokedAt('11:45', { consentType: 'marketing_mail' }),
      ],
      { ...EMAIL_ON, consentStatus: 'Partial' },
    ],
  ])('if %s', (_case, consents, expected) => {
    expect(deriveContactFields(consents, NOW).fields).toEqual(expected);
    expect(deriveContactFields(consents.toReversed(), NOW).fields).toEqual(expected);
  });

  test('have no milliseconds, and stay within what Dataverse can keep', () => {
    const grantedAt = new Date('2026-11-22T10:00:00.999Z');
    const expiresAt = new Date('9999-12-31T23:59:59.999Z');
    const { fields, nextChangeAt } = deriveContactFields([row({ grantedAt, expiresAt })], NOW);
    expect(fields).toMatchObject({
      consentDate: '2026-11-22T10:00:00Z',
      consentExpires: '9999-12-30T23:59:59Z',
    });
    expect(nextChangeAt).toEqual(expiresAt);
    expect(consentFieldTime(new Date(Date.UTC(12_000, 0, 1)))).toBe('9999-12-30T23:59:59Z');
    expect(consentFieldTime(new Date('0001-01-01T00:00:00Z'))).toBe('1753-01-01T00:00:00Z');
  });

  test.each(Object.keys(NOTHING) as (keyof ConsentFields)[])('differ if %s does', (name) => {
    expect(sameConsentFields(EMAIL_ON, { ...EMAIL_ON })).toBe(true);
    expect(sameConsentFields(EMAIL_ON, { ...EMAIL_ON, [name]: 'another' })).toBe(false);
  });
});

describe('the next change', () => {
  test.each<[string, ConsentRow[], Date | null]>([
    ['nothing ends', [row()], null],
    ['nothing was granted', [], null],
    ['a channel that is on ends', [row({ expiresAt: at('13:00') })], at('13:00')],
    [
      'several end',
      [row({ expiresAt: at('15:00') }), row({ ...sms, expiresAt: at('13:00') })],
      at('13:00'),
    ],
    ['what would end is revoked', [revokedAt('11:00', { expiresAt: at('13:00') })], null],
    ['what would end is pending', [row({ status: 'pending', expiresAt: at('13:00') })], null],
    [
      'what would end is replaced',
      [row({ grantedAt: at('08:00'), expiresAt: at('13:00') }), row()],
      null,
    ],
    ['all has ended', [row({ expiresAt: at('11:00') })], null],
  ])('if %s', (_case, consents, expected) => {
    expect(deriveContactFields(consents, NOW).nextChangeAt).toEqual(expected);
  });
});

describe('whatever the consents are', () => {
  const SEED = 20_261_122;
  const CHANNELS = ['marketing_email', 'marketing_sms'] as const;

  // Few moments, milliseconds apart, so that ties and expiries "now" are common.
  const moment = fc.integer({ min: 0, max: 8 }).map((n) => new Date(NOW.getTime() + (n - 4) * 700));
  const momentOrNull = fc.option(moment);
  const consent: fc.Arbitrary<ConsentRow> = fc.record({
    id: fc.uuid(),
    consentType: fc.constantFrom(...CHANNELS, 'research'),
    status: fc.constantFrom('pending', 'active', 'revoked', 'expired'),
    grantedAt: momentOrNull,
    expiresAt: momentOrNull,
    revokedAt: fc.option(moment, { freq: 1 }),
    createdAt: momentOrNull,
  });
  const consents = fc.array(consent, { maxLength: 6 });

  test('their order does not matter', () => {
    fc.assert(
      fc.property(
        consents.chain((rows) =>
          fc.tuple(
            fc.constant(rows),
            fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
          ),
        ),
        moment,
        ([rows, shuffled], now) => {
          expect(deriveContactFields(shuffled, now)).toEqual(deriveContactFields(rows, now));
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  test('a revocation as new as every grant turns the channel off', { tags: ['fault-6'] }, () => {
    fc.assert(
      fc.property(consents, fc.nat({ max: 2 }), moment, (rows, laterSeconds, now) => {
        const newest = Math.max(
          NOW.getTime(),
          ...rows.flatMap(({ grantedAt, revokedAt: revoked, createdAt }) =>
            [grantedAt, revoked, createdAt].map((time) => time?.getTime() ?? 0),
          ),
        );
        const revocation = row({
          status: 'revoked',
          grantedAt: null,
          revokedAt: new Date(newest + laterSeconds * 1000),
        });
        const { fields } = deriveContactFields([...rows, revocation], now);
        expect(fields.marketingEmail).toBe(false);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test('they change at the announced time and not before', () => {
    fc.assert(
      fc.property(consents, moment, fc.nat({ max: 10_000 }), (rows, now, waitMs) => {
        const { fields, nextChangeAt } = deriveContactFields(rows, now);
        const fieldsAt = (ms: number) => deriveContactFields(rows, new Date(ms)).fields;
        const changeMs = nextChangeAt?.getTime() ?? Infinity;
        const laterMs = now.getTime() + waitMs;
        expect(changeMs).toBeGreaterThan(now.getTime());
        expect(fieldsAt(Math.min(laterMs, changeMs - 1))).toEqual(fields);
        expect(sameConsentFields(fieldsAt(laterMs), fields)).toBe(laterMs < changeMs);
        const momentsAfter = nextChangeAt === null ? [] : [changeMs, changeMs + waitMs];
        for (const ms of momentsAfter) {
          expect(sameConsentFields(fieldsAt(ms), fields)).toBe(false);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('of patients whose contacts are merged', () => {
  const revoked = revokedAt('09:30');
  const both = (mine: ConsentRow[], ...others: ConsentRow[][]) =>
    deriveContactFields(mine, NOW, others);

  test.for([
    ['both on', [row()], [row({ grantedAt: at('11:00') })], { consentDate: shown('11:00') }],
    ['only one ever decided', [], [row()], {}],
    [
      'both on, one ends earlier',
      [row({ expiresAt: at('14:00') })],
      [row({ expiresAt: at('13:00'), grantedAt: at('08:00') })],
      { consentExpires: shown('13:00') },
    ],
  ] as const)('%s: on', ([, mine, other, fields]) => {
    const expected = { ...EMAIL_ON, ...fields };
    expect(both([...mine], [...other]).fields).toEqual(expected);
    expect(both([...other], [...mine]).fields).toEqual(expected);
  });

  test.for([
    ['revoked by one, however early', [row()], [revoked], NOTHING],
    ['expired for one', [row()], [row({ expiresAt: at('11:00') })], EXPIRED],
    ['expired for one, revoked by the other', [row({ status: 'expired' })], [revoked], NOTHING],
  ] as const)('%s: off', ([, mine, other, fields]) => {
    expect(both([...mine], [...other])).toEqual({ fields, nextChangeAt: null });
    expect(both([...other], [...mine])).toEqual({ fields, nextChangeAt: null });
  });

  test('each channel for itself, of any number of patients', () => {
    expect(both([row(), row(sms)], [revoked], [row(sms)]).fields).toEqual({
      ...NOTHING,
      marketingSms: true,
      consentDate: shown('10:00'),
      consentStatus: 'Partial',
    });
  });
});
