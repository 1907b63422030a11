import { definitionView, requireContactKey } from '../metadata/entity-metadata.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';

/** `GET EntityDefinitions(LogicalName='contact')`, or by its `MetadataId`. */
export const retrieveEntityDefinition: Operation = {
  name: 'RetrieveEntityDefinition',
  method: 'GET',
  path: /^EntityDefinitions\(([^()]*)\)$/,
  handle(request, organization) {
    allowQuery(request, '$select', '$expand');
    requireContactKey(request.groups[0] ?? '', organization);
    const { query } = request;
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#EntityDefinitions/$entity`,
      ...definitionView(organization, query.get('$select'), query.get('$expand')),
    });
  },
};
