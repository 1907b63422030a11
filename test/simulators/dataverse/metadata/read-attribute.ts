import * as z from 'zod';
import { DataverseError, errorCodes, recordNotFound } from '../errors.ts';
import type { Organization } from '../organization.ts';
import { OPTIONS_PER_PUBLISHER } from '../tables/contact-table.ts';
import type { Column, ColumnOption, Row } from '../tables/table.ts';

const label = z.object({
  LocalizedLabels: z.array(z.object({ Label: z.string(), LanguageCode: z.int() })).min(1),
});
const option = z.object({ Value: z.int().nullish(), Label: label });
const definition = z.object({
  '@odata.type': z.string().regex(/^#?Microsoft\.Dynamics\.CRM\.\w+AttributeMetadata$/),
  SchemaName: z.string().regex(/^[a-z][a-z0-9]{1,7}_\w{1,90}$/i),
  DisplayName: label.exactOptional(),
  RequiredLevel: z.looseObject({ Value: z.string() }).exactOptional(),
  DefaultValue: z.boolean().nullish(),
  MaxLength: z.int().min(1).max(4000).exactOptional(),
  DateTimeBehavior: z.looseObject({ Value: z.string() }).exactOptional(),
  OptionSet: z
    .looseObject({
      Options: z.array(option).exactOptional(),
      TrueOption: option.exactOptional(),
      FalseOption: option.exactOptional(),
    })
    .exactOptional(),
});
type Definition = z.infer<typeof definition>;

/**
 * The column that a body for `Attributes` defines (create-update-column-definitions-using-web-api.md):
 * texts, two options, dates and choices. The schema name begins with a publisher's prefix, and an
 * option without a value gets the next one of the solution's publisher.
 */
export function readAttribute(
  body: Record<string, unknown>,
  solutionName: string | undefined,
  organization: Organization,
): Column {
  const parsed = definition.safeParse(body);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const { data } = parsed;
  const publisher = publisherOf(solutionName, organization);
  const name = data.SchemaName.toLowerCase();
  requirePrefix(name, organization);
  return {
    name,
    schemaName: data.SchemaName,
    displayName: data.DisplayName?.LocalizedLabels[0]?.Label ?? data.SchemaName,
    custom: true,
    ...typeOf(data, publisher),
  };
}

function typeOf(data: Definition, publisher: Row): Omit<Column, 'name'> {
  const type = /(\w+)AttributeMetadata$/.exec(data['@odata.type'])?.[1];
  switch (type) {
    case 'String':
      return { type: 'string', maxLength: data.MaxLength ?? 100 };
    case 'Boolean': {
      const { FalseOption: no, TrueOption: yes } = data.OptionSet ?? {};
      if (!no || !yes) throw invalid('A two-option column needs its TrueOption and FalseOption.');
      return {
        type: 'boolean',
        default: data.DefaultValue ?? false,
        options: [
          { label: textOf(no), value: 0 },
          { label: textOf(yes), value: 1 },
        ],
      };
    }
    case 'DateTime':
      return { type: data.DateTimeBehavior?.Value === 'DateOnly' ? 'date' : 'datetime' };
    case 'Picklist':
      return { type: 'picklist', options: optionsOf(data, publisher) };
    case undefined:
    default:
      throw invalid(`Columns of the type '${type}' are not simulated.`);
  }
}

function optionsOf(data: Definition, publisher: Row): readonly ColumnOption[] {
  const given = data.OptionSet?.Options ?? [];
  const first = Number(publisher.values['customizationoptionvalueprefix']) * OPTIONS_PER_PUBLISHER;
  const options = given.map((one, index) => ({
    label: textOf(one),
    value: one.Value ?? first + index,
  }));
  if (new Set(options.map(({ value }) => value)).size < options.length) {
    throw invalid('The values of the options are not unique.');
  }
  return options;
}

function textOf(one: z.infer<typeof option>): string {
  return one.Label.LocalizedLabels[0]?.Label ?? '';
}

/** The publisher of the solution that `MSCRM.SolutionUniqueName` names, else the default one. */
function publisherOf(solutionName: string | undefined, { systemRows }: Organization): Row {
  const name = solutionName ?? 'Default';
  const solution = systemRows
    .of('solutions')
    .all()
    .find((row) => row.values['uniquename'] === name);
  const publisherId = solution?.values['_publisherid_value'];
  const publisher =
    typeof publisherId === 'string' ? systemRows.of('publishers').find(publisherId) : undefined;
  if (!publisher) throw recordNotFound('solution', name);
  return publisher;
}

function requirePrefix(name: string, { systemRows }: Organization): void {
  const prefix = name.slice(0, name.indexOf('_'));
  const known = systemRows
    .of('publishers')
    .all()
    .some((row) => row.values['customizationprefix'] === prefix);
  if (!known) throw invalid(`The prefix of '${name}' is not the prefix of a publisher.`);
}

/** 400; the code is inferred. */
function invalid(reason: string): DataverseError {
  return new DataverseError(
    400,
    errorCodes.badPayload,
    `An error occurred while validating input parameters: ${reason}`,
  );
}
