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

/** One of the custom columns in one organisation. */
export interface ColumnState {
  readonly field: ContactField;
  readonly found: boolean;
  /** What is wrong with one that is there; empty: it is as it has to be. */
  readonly faults: readonly string[];
}

/**
 * What the organisation's contact lacks of the custom columns, for a person to read: a column's name,
 * and after a colon what is wrong with one that is there. Empty: nothing.
 *
 * @throws DataverseError
 */
export async function readMissingColumns(api: WebApi): Promise<readonly string[]> {
  const states = await readColumnStates(api);
  return states.flatMap(({ field: { logicalName }, found, faults }) =>
    found ? faults.map((fault) => `${logicalName}: ${fault}`) : [logicalName],
  );
}

/**
 * The custom columns as the organisation has them, in the order of `CONTACT_FIELDS`.
 *
 * @throws DataverseError
 */
export async function readColumnStates(api: WebApi): Promise<readonly ColumnState[]> {
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
  return FIELDS.map((field) => {
    const { logicalName, type } = field;
    const found = typeOf.get(logicalName);
    if (found === undefined) return { field, found: false, faults: [] };
    const needed = ATTRIBUTE_TYPES[type];
    if (found !== needed) {
      return { field, found: true, faults: [`has the type ${found}, needs ${needed}`] };
    }
    if (type === 'date-and-time' && formatOf.get(logicalName) !== DATE_AND_TIME) {
      return { field, found: true, faults: [`needs the format ${DATE_AND_TIME}`] };
    }
    const options = type === 'option-set' ? missingOptions : [];
    return {
      field,
      found: true,
      faults: options.map((option) => `needs exactly one option ${option}`),
    };
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
