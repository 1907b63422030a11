import type { ContactField } from '../../../shared/dataverse/fields.ts';

/**
 * The body that makes a column (create-update-column-definitions-using-web-api.md). Options carry no
 * values: Dataverse gives them the next ones of the solution's publisher.
 *
 * @param languageCode the organisation's base language; texts are English whatever it is
 */
export function columnDefinition(field: ContactField, languageCode: number): object {
  const label = (text: string) => ({
    '@odata.type': 'Microsoft.Dynamics.CRM.Label',
    LocalizedLabels: [
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel',
        Label: text,
        LanguageCode: languageCode,
      },
    ],
  });
  const common = {
    SchemaName: field.logicalName,
    DisplayName: label(field.displayName),
    Description: label(field.description),
    RequiredLevel: {
      Value: 'None',
      CanBeChanged: true,
      ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
    },
  };
  switch (field.type) {
    case 'boolean':
      return {
        '@odata.type': 'Microsoft.Dynamics.CRM.BooleanAttributeMetadata',
        ...common,
        DefaultValue: false,
        OptionSet: {
          TrueOption: { Value: 1, Label: label('Yes') },
          FalseOption: { Value: 0, Label: label('No') },
          OptionSetType: 'Boolean',
        },
      };
    case 'date-and-time':
      return {
        '@odata.type': 'Microsoft.Dynamics.CRM.DateTimeAttributeMetadata',
        ...common,
        Format: 'DateAndTime',
        // A moment, shown in the time zone of whoever looks.
        DateTimeBehavior: { Value: 'UserLocal' },
      };
    case 'option-set':
      return {
        '@odata.type': 'Microsoft.Dynamics.CRM.PicklistAttributeMetadata',
        ...common,
        OptionSet: {
          '@odata.type': 'Microsoft.Dynamics.CRM.OptionSetMetadata',
          IsGlobal: false,
          OptionSetType: 'Picklist',
          Options: field.options.map((option) => ({ Label: label(option) })),
        },
      };
  }
}
