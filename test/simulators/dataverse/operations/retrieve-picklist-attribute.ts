import { guidFrom } from '../../entra/random.ts';
import type { Column, ColumnOption } from '../columns.ts';
import { badQuery, recordNotFound } from '../errors.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';
import type { Organization } from '../organization.ts';

const SELECT = 'LogicalName';
const EXPAND = 'OptionSet($select=Options),GlobalOptionSet($select=Options)';

/** These have options too, but their metadata is of other types. */
const stateColumns: ReadonlySet<string> = new Set(['statecode', 'statuscode']);

/** English, the only language of the organisation. */
const LANGUAGE_CODE = 1033;

/**
 * The options of a column, by names (retrieve-metadata-name-metadataid.md): the documented query and
 * no other. That a missing table or column is answered with the code of a missing row is inferred.
 */
export const retrievePicklistAttribute: Operation = {
  name: 'RetrievePicklistAttribute',
  method: 'GET',
  path: /^EntityDefinitions\(LogicalName='([^']*)'\)\/Attributes\(LogicalName='([^']*)'\)\/Microsoft\.Dynamics\.CRM\.PicklistAttributeMetadata$/,
  handle(request, organization) {
    allowQuery(request, '$select', '$expand');
    const [table = '', name = ''] = request.groups;
    if (request.query.get('$select') !== SELECT || request.query.get('$expand') !== EXPAND) {
      throw badQuery(`Only $select=${SELECT}&$expand=${EXPAND} is simulated.`);
    }
    if (table !== 'contact') throw recordNotFound('entity', table);
    const column = organization.columns.get(name);
    if (column?.type !== 'picklist' || stateColumns.has(name)) {
      throw recordNotFound('attribute', name);
    }
    const optionSet = optionSetMetadata(column, organization);
    return jsonAnswer({
      '@odata.context':
        `${organization.webApiUrl}/$metadata#EntityDefinitions('contact')/Attributes/` +
        `Microsoft.Dynamics.CRM.PicklistAttributeMetadata(${SELECT},OptionSet(Options),` +
        'GlobalOptionSet(Options))/$entity',
      MetadataId: guidFrom(`${organization.id} column ${name}`),
      LogicalName: name,
      OptionSet: optionSet,
      GlobalOptionSet: optionSet,
    });
  },
};

function optionSetMetadata({ name, options = [] }: Column, organization: Organization) {
  return {
    MetadataId: guidFrom(`${organization.id} options of ${name}`),
    Options: options.map((option) => optionMetadata(option, name, organization)),
  };
}

function optionMetadata({ label, value }: ColumnOption, column: string, { id }: Organization) {
  const localizedLabel = {
    Label: label,
    LanguageCode: LANGUAGE_CODE,
    IsManaged: true,
    MetadataId: guidFrom(`${id} label ${label} of ${column}`),
    HasChanged: null,
  };
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
    Label: { LocalizedLabels: [localizedLabel], UserLocalizedLabel: localizedLabel },
    Description: { LocalizedLabels: [], UserLocalizedLabel: null },
  };
}
