import { contactAttributes } from '../metadata/attribute-metadata.ts';
import { matchesKey } from '../metadata/metadata-query.ts';
import { DataverseError, recordNotFound } from '../errors.ts';
import { allowQuery, doneAnswer, type Operation } from '../operation.ts';
import { requireCustomization } from '../privileges.ts';
import { afterTable, attributePath } from './attributes.ts';

/**
 * `DELETE EntityDefinitions(…)/Attributes(…)`: a custom column, with all that stands in it.
 * The refusal of any other is undocumented, so it has no code.
 */
export const deleteAttribute: Operation = {
  name: 'DeleteAttribute',
  method: 'DELETE',
  path: attributePath,
  handle(request, organization) {
    allowQuery(request);
    const [key = ''] = afterTable(request, organization);
    requireCustomization(organization, 'prvDeleteAttribute');
    const attribute = contactAttributes(organization).find(({ logicalName, metadataId }) =>
      matchesKey(key, logicalName, metadataId),
    );
    if (!attribute) throw recordNotFound('attribute', key);
    if (attribute.properties['IsCustomAttribute'] !== true) {
      throw new DataverseError(
        400,
        '',
        `The attribute '${attribute.logicalName}' belongs to the system and can not be deleted.`,
      );
    }
    organization.contactTable.removeColumn(attribute.logicalName, organization.versions.next());
    organization.contacts.forgetColumn(attribute.logicalName);
    organization.changed();
    return doneAnswer;
  },
};
