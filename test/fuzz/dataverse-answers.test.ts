import { inspect, isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createDataverseClient, type DataverseClient } from '../../shared/dataverse/client.ts';
import * as errors from '../../shared/dataverse/errors.ts';
import type { Fetch } from '../../shared/dataverse/http.ts';
import { discoverTenantId } from '../../shared/dataverse/tenant.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import { connectionOf, fakeCache } from '../unit/dataverse/fakes.ts';
import {
  type Answer,
  answerWith,
  BODIES,
  CONTACT_ID,
  contentOf,
  networkFailure,
  responseOf,
} from './dataverse-answers.ts';
import { explore } from './explore.ts';
import { expectNothingPersonal } from './personal-data.ts';

/** Never reached by an answer that ends. */
const TIMEOUT_MS = 30_000;
/** For answers that never end: long enough for the request to begin. */
const SHORT_TIMEOUT_MS = 20;

const TOKEN = 'the-token-of-the-fuzzed-client';
const SECRET = 'the-secret-of-the-fuzzed-client';
const connection = connectionOf({ clientSecret: SECRET });

const KNOWN_ERRORS: readonly string[] = Object.keys(errors).filter(
  (name) => name !== 'DataverseError',
);

/** Answers in turns, the last one again and again. */
function fetchOf(answers: readonly (Answer | Error)[]): Fetch {
  let count = 0;
  return async (_input, init) => {
    const next = answers[Math.min(count, answers.length - 1)];
    count += 1;
    if (next === undefined) throw new TypeError('no answer');
    if (next instanceof Error) throw next;
    return responseOf(next, init?.signal);
  };
}

const guid = z.stringFormat('guid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const text = z.string().nullable();
const shownTime = z
  .stringFormat('time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .refine((time) => !Number.isNaN(Date.parse(time)))
  .nullable();
const contact = {
  contactId: guid,
  version: z.stringFormat('digits', /^\d{1,19}$/),
  etag: z.stringFormat('visible', /^[\x20-\x7e]+$/),
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  stateCode: z.int(),
  masterId: guid.nullable(),
};
const found = <T extends z.ZodType>(row: T) =>
  z.union([
    z.strictObject({ found: z.literal(true), contact: row }),
    z.strictObject({ found: z.literal(false) }),
  ]);
const yesOrNo = z.boolean().nullable();

const accessToken = z.strictObject({
  value: z.stringFormat('visible', /^[\x21-\x7e]+$/),
  issuedAtMs: z.literal(0),
  expiresAtMs: z
    .number()
    .positive()
    .refine((ms) => Number.isSafeInteger(ms / 1000)),
});

interface Operation {
  readonly name: string;
  /** What a success looks like, or a refusal where a success has no body. */
  readonly body: fc.Arbitrary<string>;
  readonly ask: (client: DataverseClient) => Promise<unknown>;
  readonly result: z.ZodType;
}

const UPDATE_CONTACT: Operation = {
  name: 'updateContact',
  body: BODIES.refusal,
  ask: (client) => client.updateContact(CONTACT_ID, { firstname: 'x' }, { ifMatch: '*' }),
  result: z.strictObject({ outcome: z.enum(['updated', 'missing', 'conflict']) }),
};

/** Everything that is asked of Dataverse, with what may come of it. */
const OPERATIONS: readonly Operation[] = [
  {
    name: 'whoAmI',
    body: BODIES.whoAmI,
    ask: (client) => client.whoAmI(),
    result: z.strictObject({ organizationId: guid, userId: guid }),
  },
  {
    name: 'getOrganizationName',
    body: BODIES.organization,
    ask: (client) => client.getOrganizationName(CONTACT_ID),
    result: z.string(),
  },
  {
    name: 'getContact',
    body: BODIES.row,
    ask: (client) => client.getContact(CONTACT_ID),
    result: found(z.strictObject({ ...contact, contactId: z.literal(CONTACT_ID) })),
  },
  {
    name: 'getContactWithConsent',
    body: BODIES.row,
    ask: (client) => client.getContactWithConsent(CONTACT_ID),
    result: found(
      z.strictObject({
        ...contact,
        consentFields: z.strictObject({
          marketingEmail: yesOrNo,
          marketingSms: yesOrNo,
          marketingPhone: yesOrNo,
          marketingMail: yesOrNo,
          consentDate: shownTime,
          consentExpires: shownTime,
          consentStatus: z.int().nullable(),
        }),
      }),
    ),
  },
  {
    name: 'getConsentStatusOptions',
    body: BODIES.picklist,
    ask: (client) => client.getConsentStatusOptions(),
    result: z.strictObject({ Active: z.int(), Partial: z.int(), Expired: z.int(), None: z.int() }),
  },
  {
    name: 'readContacts',
    body: BODIES.page,
    ask: (client) => client.readContacts([CONTACT_ID]),
    result: z.map(guid, z.strictObject(contact)),
  },
  UPDATE_CONTACT,
  {
    name: 'listContacts',
    body: BODIES.page,
    ask: (client) => client.listContacts({ pageSize: 10 }),
    result: z.strictObject({
      contacts: z.array(z.strictObject(contact)),
      nextLink: z
        .stringFormat(
          'own link',
          /^https:\/\/contoso\.crm4\.dynamics\.com\/api\/data\/v9\.2\/contacts(\?|$)/,
        )
        .optional(),
    }),
  },
];

function clientOf(answers: readonly (Answer | Error)[], timeoutMs = TIMEOUT_MS) {
  return createDataverseClient({
    connection,
    tokens: {
      get: async () => ({ value: TOKEN, issuedAtMs: 0, expiresAtMs: 1 }),
      drop: async () => false,
    },
    fetch: fetchOf(answers),
    timeoutMs,
    parallelRequests: 4,
    now: () => Date.UTC(2026, 10, 22, 10),
  });
}

/** Fails unless it is one of the known errors, which says nothing of what was answered. */
function expectKnown(error: unknown): errors.DataverseError {
  if (!(error instanceof errors.DataverseError)) throw error;
  expect(KNOWN_ERRORS).toContain(error.constructor.name);
  expect(error.cause).toBeUndefined();
  expectNothingPersonal(inspect(error, { depth: null, showHidden: true }), [TOKEN, SECRET]);
  if (error instanceof errors.DataverseUnavailable && error.retryAfterSeconds !== undefined) {
    expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(0);
    expect(error.retryAfterSeconds).toBeLessThanOrEqual(3600);
  }
  return error;
}

/** Answers of an organisation to who has no token. */
const challenges = fc.array(
  answerWith(BODIES.refusal).map((given): Answer => ({ ...given, status: 401, ending: 'whole' })),
  { minLength: 1, maxLength: 1 },
);

type Outcome = { readonly value: unknown } | { readonly error: errors.DataverseError };

/** What came of it: a result of this shape, or a known error. */
const settled = (work: Promise<unknown>, result: z.ZodType): Promise<Outcome> =>
  work.then(
    (value) => {
      expect(result.safeParse(value).error).toBeUndefined();
      return { value };
    },
    (error: unknown) => ({ error: expectKnown(error) }),
  );

/** May what was asked have been done, although nobody said so? */
const inDoubt = (outcome: Outcome): boolean => 'error' in outcome && outcome.error.outcomeUnknown;

/** Is it an error of Dataverse with this code? */
function hasCode(body: string, code: string): boolean {
  try {
    return JSON.parse(body)?.error?.code === code;
  } catch {
    return false;
  }
}

const answersWith = (body: fc.Arbitrary<string>) =>
  fc.array(
    fc.oneof({ arbitrary: answerWith(body), weight: 9 }, { arbitrary: networkFailure, weight: 1 }),
    { minLength: 1, maxLength: 2 },
  );

describe.each(OPERATIONS)(
  'whatever Dataverse answers, $name',
  { tags: ['fault-17'] },
  ({ name, body, ask, result }) => {
    test('has its typed result or a known error that repeats nothing of the answer', async () => {
      let results = 0;
      await explore(
        fc.asyncProperty(answersWith(body), async (given) => {
          const outcome = await settled(ask(clientOf(given)), result);
          if ('value' in outcome) results += 1;
          expect(inDoubt(outcome) && name !== 'updateContact').toBe(false);
        }),
        400,
      );
      // Answers that never get as far as a result would prove little.
      expect(results).toBeGreaterThan(0);
    });
  },
);

test('a write counts as done only after 204, and is in doubt whenever it may have been applied', async () => {
  const { ask, result } = UPDATE_CONTACT;
  await explore(
    fc.asyncProperty(answerWith(BODIES.refusal), async (given) => {
      const outcome = await settled(ask(clientOf([given])), result);
      const isUpdated = isDeepStrictEqual(outcome, { value: { outcome: 'updated' } });
      expect(isUpdated).toBe(given.status === 204);
      const mayBeApplied = given.status < 300 || given.status === 408 || given.status >= 500;
      expect(isUpdated || inDoubt(outcome) || !mayBeApplied).toBe(true);
    }),
    600,
  );
});

test('a contact is taken for deleted only where a 404 has the code that proves it', {
  tags: ['fault-16', 'fault-26'],
}, async () => {
  let proven = 0;
  const notFound = answerWith(BODIES.refusal).map(
    (given): Answer => ({ ...given, status: 404, ending: 'whole' }),
  );
  await explore(
    fc.asyncProperty(notFound, async (given) => {
      const outcome = await settled(clientOf([given]).getContact(CONTACT_ID), z.unknown());
      const isDeleted = isDeepStrictEqual(outcome, { value: { found: false } });
      const isProof = hasCode(new TextDecoder().decode(contentOf(given.content)), '0x80040217');
      if (isProof) proven += 1;
      expect(isDeleted).toBe(isProof);
    }),
    600,
  );
  expect(proven).toBeGreaterThan(0);
});

test('an answer that never ends is given up', async () => {
  await explore(
    fc.asyncProperty(
      answerWith(BODIES.row),
      fc.constantFrom(...OPERATIONS),
      async (given, { ask, result }) => {
        const stalled = { ...given, status: 200, ending: 'stalled' as const };
        const outcome = await settled(ask(clientOf([stalled], SHORT_TIMEOUT_MS)), result);
        expect(outcome).toMatchObject({ error: { reason: 'timeout' } });
      },
    ),
    10,
  );
});

describe('whatever Entra ID answers', () => {
  test('there is a token fit for a header, or a known error that repeats nothing of the answer', async () => {
    let tokens = 0;
    await explore(
      fc.asyncProperty(answersWith(BODIES.issued), async (given) => {
        const source = createTokenSource({
          connection,
          cache: fakeCache(),
          fetch: fetchOf(given),
          now: () => 0,
          random: () => 0.5,
          timeoutMs: TIMEOUT_MS,
        });
        const outcome = await settled(source.get(), accessToken);
        if ('value' in outcome) tokens += 1;
        expect(inDoubt(outcome)).toBe(false);
      }),
      500,
    );
    expect(tokens).toBeGreaterThan(0);
  });

  test('the tenant is a GUID, or there is a known error', async () => {
    let tenants = 0;
    await explore(
      fc.asyncProperty(fc.oneof(challenges, answersWith(BODIES.refusal)), async (given) => {
        const options = { fetch: fetchOf(given), timeoutMs: TIMEOUT_MS, now: () => 0 };
        const outcome = await settled(discoverTenantId(connection, options), guid);
        if ('value' in outcome) tenants += 1;
        expect(inDoubt(outcome)).toBe(false);
      }),
      500,
    );
    expect(tenants).toBeGreaterThan(0);
  });
});
