import * as fc from 'fast-check';
import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import { type Mutation, mutate, mutation } from './mutation.ts';
import { personal } from './personal-data.ts';

export const CONTACT_ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const GUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

/** An HTTP answer as data, so that a failure can show it. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly content: Content;
  /** The connection breaks after the body, or never lets go of it. */
  readonly ending: 'whole' | 'broken' | 'stalled';
}

type Content =
  | { readonly kind: 'json'; readonly of: string; readonly changes: readonly Mutation[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly text: string };

/** Statuses that cannot have a body (Fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** A row as it stands in an answer: `versionnumber` is a bare 64-bit number. */
function rowText(name: string, version: string, further: Record<string, unknown> = {}): string {
  const columns = {
    '@odata.etag': 'W/"9007199254740993"',
    contactid: CONTACT_ID,
    firstname: name,
    lastname: name,
    emailaddress1: name,
    telephone1: null,
    statecode: 0,
    merged: false,
    _masterid_value: null,
    ...further,
  };
  return JSON.stringify(columns).replace(/^\{/, `{"versionnumber":${version},`);
}

const version = fc.oneof(
  fc.constantFrom('9007199254740993', '1', '9223372036854775807', '0'),
  fc.constantFrom('-1', '1.5', '1e3', '92233720368547758070', '"1"'),
);

/** Times as a contact may show them, and some that only look like it. */
const time = fc.constantFrom(
  null,
  '2026-11-22T10:00:00Z',
  '2026-11-22T10:00:00.1234567Z',
  '0001-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  `2026-11-22T10:00:00.${'9'.repeat(60)}Z`,
  '2026-02-30T10:00:00Z',
);

const consentColumns = fc
  .record({
    yes: fc.constantFrom(true, false, null),
    date: time,
    expires: time,
    status: fc.constantFrom(727_000_000, null),
  })
  .map(({ yes, date, expires, status }) => ({
    [CONTACT_FIELDS.marketingEmail.logicalName]: yes,
    [CONTACT_FIELDS.marketingSms.logicalName]: yes,
    [CONTACT_FIELDS.marketingPhone.logicalName]: yes,
    [CONTACT_FIELDS.marketingMail.logicalName]: yes,
    [CONTACT_FIELDS.consentDate.logicalName]: date,
    [CONTACT_FIELDS.consentExpires.logicalName]: expires,
    [CONTACT_FIELDS.consentStatus.logicalName]: status,
  }));

const row = fc
  .tuple(
    personal,
    version,
    fc.constantFrom(CONTACT_ID, CONTACT_ID.toUpperCase(), GUID),
    consentColumns,
  )
  .map(([name, digits, contactid, columns]) => rowText(name, digits, { ...columns, contactid }));

const page = fc
  .tuple(
    fc.array(row, { maxLength: 3 }),
    fc.option(
      fc.constantFrom(
        'https://contoso.crm4.dynamics.com/api/data/v9.2/contacts?$skiptoken=1',
        'https://contoso.crm4.dynamics.com.example.test/api/data/v9.2/contacts',
        'https://user:password@contoso.crm4.dynamics.com/api/data/v9.2/contacts',
        'https://contoso.crm4.dynamics.com/api/data/v9.2/../contacts',
        'javascript:0',
        '',
      ),
      { nil: undefined },
    ),
  )
  .map(([rows, link]) => {
    const next = link === undefined ? '' : `,"@odata.nextLink":${JSON.stringify(link)}`;
    return `{"value":[${rows.join(',')}]${next}}`;
  });

const label = fc
  .oneof(fc.constantFrom('Active', 'Partial', 'Expired', 'None', ' active '), personal)
  .map((text) => ({ LocalizedLabels: [{ Label: text }], UserLocalizedLabel: { Label: text } }));

const picklist = fc
  .oneof(
    fc.constant(
      ['Active', 'Partial', 'Expired', 'None'].map((text, index) => ({
        Value: 727_000_000 + index,
        Label: { LocalizedLabels: [{ Label: text }], UserLocalizedLabel: null },
      })),
    ),
    fc.array(fc.record({ Value: fc.nat(), Label: label }), { maxLength: 5 }),
  )
  .map((Options) =>
    JSON.stringify({
      LogicalName: CONTACT_FIELDS.consentStatus.logicalName,
      OptionSet: { Options },
      GlobalOptionSet: null,
    }),
  );

const refusal = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('0x80040217', '0x80060888', '0x80072322', '', '0x8004021'),
      personal,
      fc.stringMatching(/^0x[0-9a-fA-F]{8}$/),
    ),
    personal,
  )
  .map(([code, message]) => JSON.stringify({ error: { code, message } }));

const oauthRefusal = fc
  .tuple(
    fc.constantFrom('invalid_client', 'temporarily_unavailable', 'server_error', ''),
    fc.array(fc.oneof(fc.integer(), fc.constantFrom(7_000_215, 90_002)), { maxLength: 3 }),
    personal,
  )
  .map(([error, error_codes, error_description]) =>
    JSON.stringify({ error, error_codes, error_description }),
  );

const issued = fc
  .tuple(
    fc.constantFrom(3599, '3599', 1, 0, -1, 1e15, 1e300, null),
    fc.constantFrom('a-fresh-token', 'a token', 'token\r\nx: y', '', 'é'),
  )
  .map(([expires_in, access_token]) =>
    JSON.stringify({ token_type: 'Bearer', expires_in, access_token }),
  );

const whoAmI = fc.constant(
  JSON.stringify({ BusinessUnitId: GUID, OrganizationId: GUID.toUpperCase(), UserId: GUID }),
);
const organization = personal.map((name) => JSON.stringify({ name, organizationid: GUID }));

const KEYS = [
  'value',
  'versionnumber',
  'contactid',
  '@odata.etag',
  '@odata.nextLink',
  'firstname',
  'statecode',
  'ch_consent_date',
  'OrganizationId',
  'name',
  'OptionSet',
  'error',
  'code',
  'expires_in',
  'access_token',
  'token_type',
];

/** Bodies as they are documented, by what they answer. */
export const BODIES = { row, page, picklist, refusal, oauthRefusal, issued, whoAmI, organization };

const jsonOf = (body: fc.Arbitrary<string>, maxChanges: number): fc.Arbitrary<Content> =>
  fc.record({
    kind: fc.constant('json' as const),
    of: body,
    changes: fc.array(mutation(KEYS), { maxLength: maxChanges }),
  });

const otherContent: fc.Arbitrary<Content> = fc.oneof(
  { arbitrary: jsonOf(fc.oneof(...Object.values(BODIES)), 2), weight: 6 },
  {
    arbitrary: fc.record({ kind: fc.constant('bytes' as const), bytes: fc.uint8Array() }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('text' as const),
      text: fc.oneof(
        fc.json(),
        personal.map((name) => `<html><h1>502 Bad Gateway</h1>${name}</html>`),
        personal.map((name) => `{"error":{"code":"0x80040217","message":"${name}`),
      ),
    }),
    weight: 2,
  },
);

const headerValue = fc.stringMatching(/^[\x21-\x7e]{0,20}$/);
const GUID_URI = `https://login.microsoftonline.com/${GUID}/oauth2/authorize`;

const header = fc.oneof(
  fc.tuple(
    fc.constant('retry-after'),
    fc.oneof(
      headerValue,
      fc.nat().map(String),
      fc.date().map((date) => (Number.isNaN(date.getTime()) ? 'never' : date.toUTCString())),
      fc.constantFrom('-1', '1.5', '1e9', '9'.repeat(400), 'Infinity', 'Thu, 32 Foo 2026', ''),
    ),
  ),
  fc.tuple(fc.constantFrom('location', 'content-type', 'www-authenticate'), headerValue),
  fc.tuple(
    fc.constant('www-authenticate'),
    fc.constantFrom(
      `Bearer authorization_uri=${GUID_URI}, resource_id=https://contoso.crm4.dynamics.com/`,
      `Bearer authorization_uri="${GUID_URI}"`,
      'Bearer authorization_uri=https://example.test/Nightingale/oauth2/authorize',
      'Bearer authorization_uri=//',
    ),
  ),
);

/** Any answer; this body more often than others, whole or changed a little. */
export const answerWith = (body: fc.Arbitrary<string>): fc.Arbitrary<Answer> =>
  fc.record({
    status: fc.oneof(
      { arbitrary: fc.constant(200), weight: 4 },
      { arbitrary: fc.constantFrom(204, 400, 401, 403, 404, 412, 429, 503), weight: 3 },
      { arbitrary: fc.integer({ min: 200, max: 599 }), weight: 1 },
    ),
    headers: fc.array(header, { maxLength: 2 }),
    content: fc.oneof(jsonOf(body, 0), jsonOf(body, 2), otherContent),
    ending: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'whole', 'broken'),
  });

/** What the platform throws when there is no answer: its messages can quote a header or an address. */
export const networkFailure: fc.Arbitrary<Error> = fc
  .tuple(
    fc.constantFrom('ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'UND_ERR_SOCKET', undefined),
    personal,
  )
  .map(
    ([code, text]) =>
      new TypeError(`fetch failed: ${text}`, {
        cause: Object.assign(new Error(text), code && { code }),
      }),
  );

/** The answer as `fetch` gives it; its body ends with an error when the request is given up. */
export function responseOf(
  { status, headers, content: what, ending }: Answer,
  signal: AbortSignal | null | undefined,
): Response {
  const bytes = contentOf(what);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes));
      if (ending === 'broken') controller.error(new TypeError('terminated', { cause: bytes }));
      else if (ending === 'whole') controller.close();
      else signal?.addEventListener('abort', () => controller.error(signal.reason), { once: true });
    },
  });
  return new Response(WITHOUT_BODY.has(status) ? null : body, {
    status,
    headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
  });
}

/** The bytes of a body. */
export function contentOf(what: Content): Uint8Array {
  switch (what.kind) {
    case 'json':
      return what.changes.reduce(mutate, Buffer.from(what.of));
    case 'bytes':
      return what.bytes;
    case 'text':
      return Buffer.from(what.text);
  }
}
