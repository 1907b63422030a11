import { guidFrom } from '../../entra/random.ts';
import type { Organization } from '../organization.ts';
import { attributeName } from '../tables/seed.ts';
import type { Column, ColumnOption } from '../tables/table.ts';

/** English, the only language of the organisation. */
export const LANGUAGE_CODE = 1033;

/** A column of the contact table as the metadata knows it. */
export interface Attribute {
  /** The derived type's name in `Microsoft.Dynamics.CRM`, such as `PicklistAttributeMetadata`. */
  readonly type: string;
  readonly logicalName: string;
  readonly metadataId: string;
  /** Without option sets, which stand behind navigation properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** What `$expand` can ask for. */
  readonly optionSets: Readonly<Record<string, object | null>>;
}

/** All attributes of the contact table, in the order of its columns. */
export function contactAttributes(organization: Organization): readonly Attribute[] {
  return [...organization.contactTable.table.columns.values()].map((column) =>
    attributeOf(column, organization),
  );
}

/** The address of an attribute, relative to the Web API. */
export function attributeAddress({ metadataId }: Pick<Attribute, 'metadataId'>): string {
  return `EntityDefinitions(LogicalName='contact')/Attributes(${metadataId})`;
}

export function attributeId(logicalName: string, organization: Organization): string {
  return guidFrom(`${organization.id} column ${logicalName}`);
}

function attributeOf(column: Column, organization: Organization): Attribute {
  const logicalName = attributeName(column.name);
  const metadataId = attributeId(logicalName, organization);
  const type = typeOf(column);
  const optionSet = optionSetOf(column, organization);
  return {
    type: `${type}AttributeMetadata`,
    logicalName,
    metadataId,
    properties: {
      MetadataId: metadataId,
      LogicalName: logicalName,
      SchemaName: column.schemaName ?? logicalName,
      EntityLogicalName: 'contact',
      AttributeType: type,
      AttributeTypeName: { Value: `${type}Type` },
      IsCustomAttribute: column.custom ?? false,
      IsPrimaryId: column.name === 'contactid',
      IsPrimaryName: column.name === 'fullname',
      IsValidForCreate: column.readOnly === undefined,
      IsValidForRead: true,
      IsValidForUpdate: column.readOnly === undefined,
      IsManaged: column.custom === undefined,
      RequiredLevel: requiredLevel,
      DisplayName: labelOf(column.displayName ?? logicalName, logicalName, organization),
      ...(column.maxLength !== undefined && { MaxLength: column.maxLength }),
      ...(type === 'Boolean' && { DefaultValue: column.default ?? false }),
      ...(type === 'DateTime' && {
        Format: column.type === 'date' ? 'DateOnly' : 'DateAndTime',
        DateTimeBehavior: { Value: column.type === 'date' ? 'DateOnly' : 'UserLocal' },
      }),
      ...(type === 'Picklist' && { DefaultFormValue: -1 }),
    },
    optionSets: optionSet === undefined ? {} : { OptionSet: optionSet, GlobalOptionSet: optionSet },
  };
}

const requiredLevel = {
  Value: 'None',
  CanBeChanged: true,
  ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
};

function typeOf({ name, type, lookup }: Column): string {
  if (name === 'statecode') return 'State';
  if (name === 'statuscode') return 'Status';
  if (name === '_ownerid_value') return 'Owner';
  if (lookup) return 'Lookup';
  switch (type) {
    case 'guid':
      return 'Uniqueidentifier';
    case 'string':
      return 'String';
    case 'boolean':
      return 'Boolean';
    case 'datetime':
    case 'date':
      return 'DateTime';
    case 'picklist':
      return 'Picklist';
    case 'integer':
      return 'Integer';
    case 'bigint':
      return 'BigInt';
  }
}

function optionSetOf(column: Column, organization: Organization): object | undefined {
  const { name } = column;
  const metadata = {
    MetadataId: guidFrom(`${organization.id} options of ${name}`),
    Name: `contact_${name}`,
    IsGlobal: false,
  };
  if (column.type === 'boolean') {
    const [no, yes] = column.options ?? [
      { label: 'No', value: 0 },
      { label: 'Yes', value: 1 },
    ];
    return {
      ...metadata,
      OptionSetType: 'Boolean',
      FalseOption: no && optionMetadata(no, name, organization),
      TrueOption: yes && optionMetadata(yes, name, organization),
    };
  }
  if (column.type !== 'picklist') return undefined;
  return {
    ...metadata,
    OptionSetType: 'Picklist',
    Options: (column.options ?? []).map((option) => optionMetadata(option, name, organization)),
  };
}

function optionMetadata(
  { label, value }: ColumnOption,
  column: string,
  organization: Organization,
) {
  return {
    Value: value,
    Color: null,
    IsManaged: true,
    ExternalValue: null,
    ParentValues: [],
    Tag: null,
    IsHidden: false,
    MetadataId: null,
    HasChanged: null,
    Label: labelOf(label, column, organization),
    Description: { LocalizedLabels: [], UserLocalizedLabel: null },
  };
}

/** A text in the organisation's language. `owner`: what it belongs to, for its id. */
export function labelOf(text: string, owner: string, { id }: Organization) {
  const localizedLabel = {
    Label: text,
    LanguageCode: LANGUAGE_CODE,
    IsManaged: true,
    MetadataId: guidFrom(`${id} label ${text} of ${owner}`),
    HasChanged: null,
  };
  return { LocalizedLabels: [localizedLabel], UserLocalizedLabel: localizedLabel };
}
