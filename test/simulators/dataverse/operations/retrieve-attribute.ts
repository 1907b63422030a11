import { contactAttributes } from '../metadata/attribute-metadata.ts';
import { attributeView } from '../metadata/attribute-view.ts';
import { matchesKey, readMetadataExpand } from '../metadata/metadata-query.ts';
import { recordNotFound } from '../errors.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';
import { afterTable, attributePath } from './attributes.ts';

/**
 * One column's metadata, by name or id (retrieve-metadata-name-metadataid.md); its options with the
 * type in the path and `$expand=OptionSet`. That a missing table or column is answered with the code of
 * a missing row is inferred.
 */
export const retrieveAttribute: Operation = {
  name: 'RetrieveAttribute',
  method: 'GET',
  path: attributePath,
  handle(request, organization) {
    allowQuery(request, '$select', '$expand');
    const [key = '', cast] = afterTable(request, organization);
    const attribute = contactAttributes(organization).find(({ logicalName, metadataId }) =>
      matchesKey(key, logicalName, metadataId),
    );
    if (!attribute || (cast !== undefined && attribute.type !== cast)) {
      throw recordNotFound('attribute', /^LogicalName='([^']*)'$/.exec(key)?.[1] ?? key);
    }
    const { query } = request;
    const select = query.get('$select');
    const expand = readMetadataExpand(query.get('$expand'));
    return jsonAnswer({
      '@odata.context':
        `${organization.webApiUrl}/$metadata#EntityDefinitions('contact')/Attributes` +
        `${cast === undefined ? '' : `/Microsoft.Dynamics.CRM.${cast}`}/$entity`,
      ...attributeView(attribute, { select, expand, cast }),
    });
  },
};
