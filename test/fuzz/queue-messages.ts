import * as fc from 'fast-check';
import { ORGANIZATION_ID } from '../support/execution-context.ts';
import { type Mutation, mutate, mutation } from './mutation.ts';
import { personal } from './personal-data.ts';

/** Whatever its sender takes for an id, as the audit trail can keep it. */
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => text.length <= 200);

/** A time as ISO 8601 allows it, with any number of decimals. */
const time = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('2999-12-31'), noInvalidDate: true }),
    fc.constantFrom('', '.1', '.123', '.123456789', `.${'9'.repeat(40)}`),
  )
  .map(([date, decimals]) => `${date.toISOString().slice(0, 19)}${decimals}Z`);

const guid = fc
  .tuple(fc.uuid(), fc.boolean())
  .map(([id, upper]) => (upper ? id.toUpperCase() : id));

const contactMessage: fc.Arbitrary<Record<string, unknown>> = fc.record({
  version: fc.constant(1),
  eventId: name,
  type: fc.constantFrom('contact.created', 'contact.updated', 'contact.deleted', 'sync.requested'),
  dataverseOrganizationId: fc.constantFrom(ORGANIZATION_ID, ORGANIZATION_ID.toUpperCase()),
  contactId: guid,
  receivedAt: time,
  correlationId: name,
});

const consentBase = {
  version: fc.constant(1),
  eventId: name,
  organizationId: guid,
  patientId: guid,
  occurredAt: time,
};
const consentMessage: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({
    ...consentBase,
    type: fc.constantFrom('consent.granted', 'consent.revoked', 'consent.expired'),
    consentId: guid,
  }),
  fc.record({ ...consentBase, type: fc.constantFrom('patient.updated', 'sync.requested') }),
);

const CONTACT_FIELDS = [
  'version',
  'eventId',
  'type',
  'dataverseOrganizationId',
  'contactId',
  'receivedAt',
  'correlationId',
];
const CONSENT_FIELDS = ['version', 'eventId', 'type', 'organizationId', 'patientId', 'occurredAt'];

/** Fields that a later version may have, or that somebody sends by mistake. */
const further = fc.dictionary(
  fc.string({ maxLength: 8 }).map((text) => `further ${text}`),
  fc.oneof(personal, fc.jsonValue({ maxDepth: 2 })),
  { maxKeys: 3 },
);

const genuine = (message: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<string> =>
  fc.tuple(message, further).map(([fields, others]) => JSON.stringify({ ...others, ...fields }));

export const genuineContact = genuine(contactMessage);
export const genuineConsent = genuine(consentMessage);

/** Ids and times that come close. */
const NEARLY = [
  '"2026-02-30T10:00:00Z"',
  '"2026-11-22T24:00:00Z"',
  '"2026-11-22T10:00:00+01:00"',
  '"2026-11-22"',
  '"0000-00-00T00:00:00Z"',
  '"2026-11-22T10:00Z"',
  '"11111111-aaaa-4bbb-8ccc-00000000000"',
  '"{11111111-aaaa-4bbb-8ccc-000000000001}"',
  '"consent.granted "',
  '"__proto__"',
  '2',
  '"1"',
  `"${'x'.repeat(201)}"`,
  String.raw`"a\u0000b"`,
  String.raw`"a\udfffb"`,
];

/** A message with up to three things done to it, which it may survive. */
interface Altered {
  readonly message: string;
  readonly changes: readonly Mutation[];
}

const altered = (
  message: fc.Arbitrary<string>,
  fields: readonly string[],
): fc.Arbitrary<Altered> => {
  const nearly: fc.Arbitrary<Mutation> = fc.record({
    kind: fc.constant('override' as const),
    key: fc.constantFrom(...fields),
    value: fc.constantFrom(...NEARLY).map((json) => ({ json })),
  });
  return fc.record({
    message,
    changes: fc.array(fc.oneof(mutation(fields), nearly), {
      minLength: 1,
      maxLength: 3,
    }),
  });
};

export const alteredContact = altered(genuineContact, CONTACT_FIELDS);
export const alteredConsent = altered(genuineConsent, [...CONSENT_FIELDS, 'consentId']);

/** The text of a message after all that was done to it. */
export const alteredText = ({ message, changes }: Altered): string =>
  changes.reduce(mutate, Buffer.from(message)).toString('utf8');

/** A text that is no message whatever its luck. */
export const nonsense: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  personal,
  fc.constantFrom('', '{', '[{}]', 'null'),
);
