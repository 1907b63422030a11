import { contactAttributes } from '../metadata/attribute-metadata.ts';
import { attributeView } from '../metadata/attribute-view.ts';
import { filterProperties, readMetadataExpand } from '../metadata/metadata-query.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';
import { afterTable, attributesPath } from './attributes.ts';

/** `GET EntityDefinitions(…)/Attributes`, of all types or of one (query-metadata-web-api.md). */
export const listAttributes: Operation = {
  name: 'ListAttributes',
  method: 'GET',
  path: attributesPath,
  handle(request, organization) {
    allowQuery(request, '$select', '$filter', '$expand');
    const [cast] = afterTable(request, organization);
    const { query } = request;
    const all = contactAttributes(organization);
    const ofType = cast === undefined ? all : all.filter(({ type }) => type === cast);
    const found = filterProperties(ofType, query.get('$filter'), cast ?? 'AttributeMetadata');
    const select = query.get('$select');
    const expand = readMetadataExpand(query.get('$expand'));
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#EntityDefinitions('contact')/Attributes`,
      value: found.map((attribute) => attributeView(attribute, { select, expand, cast })),
    });
  },
};
