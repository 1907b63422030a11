import { attributeAddress, attributeId } from '../metadata/attribute-metadata.ts';
import { readAttribute } from '../metadata/read-attribute.ts';
import { allowQuery, bodyObject, type Operation, writtenAnswer } from '../operation.ts';
import { requireCustomization } from '../privileges.ts';
import { afterTable, attributesPath } from './attributes.ts';

/** `POST EntityDefinitions(…)/Attributes`: a new column, which ends all delta tokens of the table. */
export const createAttribute: Operation = {
  name: 'CreateAttribute',
  method: 'POST',
  path: attributesPath,
  handle(request, organization) {
    allowQuery(request);
    afterTable(request, organization);
    requireCustomization(organization, 'prvCreateAttribute');
    const solutionName = request.headers['mscrm.solutionuniquename']?.toString();
    const column = readAttribute(bodyObject(request, 'Attributes'), solutionName, organization);
    organization.contactTable.addColumn(column, organization.versions.next());
    organization.changed();
    const metadataId = attributeId(column.name, organization);
    return writtenAnswer(organization, attributeAddress({ metadataId }));
  },
};
