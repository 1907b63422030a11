import * as z from 'zod';
import type { Cache } from '../cache/redis.ts';
import type { ConsentStatusOptions } from './consent-columns.ts';
import { ConsentFieldsMissing, DataverseUnreadable } from './errors.ts';
import { CONTACT_FIELDS } from './fields.ts';
import { parseJson } from './json.ts';
import { malformed, readBody, type WebApi } from './web-api.ts';

/** Values change only when the column is set up anew; a day bounds how long the old ones are used. */
const CACHED_SECONDS = 86_400;

const { logicalName: COLUMN, options: LABELS } = CONTACT_FIELDS.consentStatus;

const PATH =
  `EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='${COLUMN}')` +
  '/Microsoft.Dynamics.CRM.PicklistAttributeMetadata' +
  '?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)';

const localizedLabel = z.object({ Label: z.string() });

const optionSet = z
  .object({
    Options: z.array(
      z.object({
        Value: z.int(),
        Label: z.object({
          UserLocalizedLabel: localizedLabel.nullish(),
          LocalizedLabels: z.array(localizedLabel),
        }),
      }),
    ),
  })
  .nullish();

type Options = NonNullable<z.output<typeof optionSet>>['Options'];

/** A column has options of its own, or those of a global choice; either property may show them. */
const picklist = z
  .object({ LogicalName: z.literal(COLUMN), OptionSet: optionSet, GlobalOptionSet: optionSet })
  .transform(({ OptionSet, GlobalOptionSet }) => (OptionSet ?? GlobalOptionSet)?.Options ?? []);

/**
 * Looks up the option values by their labels, in the user's language or any other, without case
 * (retrieve-metadata-name-metadataid.md).
 *
 * @throws ConsentFieldsMissing if the column is not there, or not exactly one option has a label
 */
export async function readConsentStatusOptions(api: WebApi): Promise<ConsentStatusOptions> {
  const options = await readOptions(api);
  const valueOf = (label: string) => onlyValue(options, label);
  const missing = LABELS.filter((label) => valueOf(label) === undefined);
  const { data } = consentStatusOptions.safeParse(
    Object.fromEntries(LABELS.map((label) => [label, valueOf(label)])),
  );
  if (data === undefined) throw new ConsentFieldsMissing({ column: COLUMN, options: missing });
  return data;
}

async function readOptions(api: WebApi): Promise<Options> {
  try {
    const answer = await api.send({ method: 'GET', path: PATH });
    if (answer.kind === 'missing') throw new ConsentFieldsMissing({ column: COLUMN });
    if (answer.kind === 'conflict') throw malformed(412, false);
    return readBody(answer, picklist);
  } catch (error) {
    // The path is always the same: a 404 with a code of Dataverse's own can only mean the column.
    if (error instanceof DataverseUnreadable && error.code !== undefined) {
      throw new ConsentFieldsMissing({ column: COLUMN });
    }
    throw error;
  }
}

function onlyValue(options: Options, label: string): number | undefined {
  const wanted = label.toLowerCase();
  const matches = options.filter(({ Label: { UserLocalizedLabel, LocalizedLabels } }) =>
    [UserLocalizedLabel, ...LocalizedLabels].some(
      (localized) => localized?.Label.trim().toLowerCase() === wanted,
    ),
  );
  return matches.length === 1 ? matches[0]?.Value : undefined;
}

const consentStatusOptions = z
  .strictObject({ Active: z.int(), Partial: z.int(), Expired: z.int(), None: z.int() })
  .refine((values) => new Set(Object.values(values)).size === LABELS.length);

/**
 * The organisation's option values, asked for once by a container and remembered in the cache; what
 * fails is not kept, and nonsense in the cache is passed over. Calls at the same time share one
 * request. Throws what `getConsentStatusOptions` throws.
 */
export function createConsentStatusOptions(options: {
  readonly client: { getConsentStatusOptions(): Promise<ConsentStatusOptions> };
  readonly cache: Pick<Cache, 'get' | 'set'>;
  readonly orgUrl: string;
}): () => Promise<ConsentStatusOptions> {
  const { client, cache, orgUrl } = options;
  const key = `dataverse:consent-status-options:${orgUrl}`;
  let known: Promise<ConsentStatusOptions> | undefined;

  async function load(): Promise<ConsentStatusOptions> {
    const cached = parseCached(await cache.get(key).catch(() => null));
    if (cached !== undefined) return cached;
    const values = await client.getConsentStatusOptions();
    await cache.set(key, JSON.stringify(values), CACHED_SECONDS).catch(() => undefined);
    return values;
  }

  return () => {
    known ??= load().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

function parseCached(text: string | null): ConsentStatusOptions | undefined {
  return text === null ? undefined : consentStatusOptions.safeParse(parseJson(text)).data;
}
