import { contactDefinition, definitionView } from '../metadata/entity-metadata.ts';
import { filterProperties } from '../metadata/metadata-query.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';

/** `GET EntityDefinitions` (query-metadata-web-api.md); contact is the only table that it knows. */
export const listEntityDefinitions: Operation = {
  name: 'ListEntityDefinitions',
  method: 'GET',
  path: /^EntityDefinitions$/,
  handle(request, organization) {
    allowQuery(request, '$select', '$filter', '$expand');
    const { query } = request;
    const definitions = [contactDefinition(organization)];
    const found = filterProperties(definitions, query.get('$filter'), 'EntityMetadata');
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#EntityDefinitions`,
      value: found.map(() =>
        definitionView(organization, query.get('$select'), query.get('$expand')),
      ),
    });
  },
};
