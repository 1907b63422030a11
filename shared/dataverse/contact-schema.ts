import * as z from 'zod';
import { readConsentStatusOptions } from './consent-status-options.ts';
import { ConsentFieldsMissing, DataverseUnreadable } from './errors.ts';
import { CONTACT_FIELDS, type ContactField } from './fields.ts';
import { malformed, readBody, type WebApi } from './web-api.ts';

const FIELDS: readonly ContactField[] = Object.values(CONTACT_FIELDS);

/** `AttributeType` of the metadata ("Column (attribute) definitions"). */
const ATTRIBUTE_TYPES = {
  boolean: 'Boolean',
  'date-and-time': 'DateTime',
  'option-set': 'Picklist',
} as const satisfies Record<ContactField['type'], string>;

/** A column that keeps the day only would lose the time of a consent. */
const DATE_AND_TIME = 'DateAndTime';

const ATTRIBUTES = "EntityDefinitions(LogicalName='contact')/Attributes";

const types = z.object({
  value: z.array(z.object({ LogicalName: z.string(), AttributeType: z.string() })),
});
const formats = z.object({
  value: z.array(z.object({ LogicalName: z.string(), Format: z.string().nullable() })),
});

/**
 * What the organisation's contact lacks of the custom columns, for a person to read: a column's name,
 * and after a colon what is wrong with one that is there. Empty: nothing.
 *
 * @throws DataverseError
 */
export async function readMissingColumns(api: WebApi): Promise<readonly string[]> {
  const names = (fields: readonly ContactField[]) =>
    encodeURIComponent(fields.map((field) => `LogicalName eq '${field.logicalName}'`).join(' or '));
  const dates = FIELDS.filter(({ type }) => type === 'date-and-time');
  const [typesRead, formatsRead, missingOptions] = await Promise.all([
    read(api, `${ATTRIBUTES}?$select=LogicalName,AttributeType&$filter=${names(FIELDS)}`, types),
    read(
      api,
      `${ATTRIBUTES}/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata` +
        `?$select=LogicalName,Format&$filter=${names(dates)}`,
      formats,
    ),
    readMissingOptions(api),
  ]);
  const typeOf = new Map(typesRead.value.map((row) => [row.LogicalName, row.AttributeType]));
  const formatOf = new Map(formatsRead.value.map((row) => [row.LogicalName, row.Format]));
  return FIELDS.flatMap(({ logicalName, type }) => {
    const found = typeOf.get(logicalName);
    if (found === undefined) return [logicalName];
    if (found !== ATTRIBUTE_TYPES[type]) {
      return [`${logicalName}: has the type ${found}, needs ${ATTRIBUTE_TYPES[type]}`];
    }
    if (type === 'date-and-time' && formatOf.get(logicalName) !== DATE_AND_TIME) {
      return [`${logicalName}: needs the format ${DATE_AND_TIME}`];
    }
    return type === 'option-set'
      ? missingOptions.map((option) => `${logicalName}: needs exactly one option ${option}`)
      : [];
  });
}

async function readMissingOptions(api: WebApi): Promise<readonly string[]> {
  try {
    await readConsentStatusOptions(api);
    return [];
  } catch (error) {
    if (error instanceof ConsentFieldsMissing) return error.options;
    throw error;
  }
}

async function read<T>(api: WebApi, path: string, schema: z.ZodType<T>): Promise<T> {
  const answer = await api.send({ method: 'GET', path });
  if (answer.kind === 'missing') throw new DataverseUnreadable('bare 404');
  if (answer.kind === 'conflict') throw malformed(412, false);
  return readBody(answer, schema);
}
