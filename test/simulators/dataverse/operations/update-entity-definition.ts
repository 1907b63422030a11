import { contactDefinition, requireContactKey } from '../metadata/entity-metadata.ts';
import { allowQuery, bodyObject, doneAnswer, type Operation } from '../operation.ts';
import { requireCustomization } from '../privileges.ts';
import { badPayload } from '../tables/read-columns.ts';

/**
 * `PUT EntityDefinitions(…)`: replaces the definition, so the body has to be all of it
 * (create-update-entity-definitions-using-web-api.md). Of what can change only change tracking is
 * simulated, and that it cannot be switched off again.
 */
export const updateEntityDefinition: Operation = {
  name: 'UpdateEntityDefinition',
  method: 'PUT',
  path: /^EntityDefinitions\(([^()]*)\)$/,
  handle(request, organization) {
    allowQuery(request);
    requireContactKey(request.groups[0] ?? '', organization);
    requireCustomization(organization, 'prvWriteEntity');
    const { contactTable } = organization;
    const body = bodyObject(request, 'EntityDefinitions');
    const { properties } = contactDefinition(organization);
    for (const name of ['MetadataId', 'LogicalName', 'SchemaName'] as const) {
      if (body[name] === properties[name]) continue;
      throw badPayload(
        contactTable.table,
        `'${name}' has to be the table's own: '${properties[name]}'.`,
      );
    }
    const tracked = body['ChangeTrackingEnabled'] ?? false;
    if (typeof tracked !== 'boolean') {
      throw badPayload(contactTable.table, "'ChangeTrackingEnabled' has to be a boolean.");
    }
    if (tracked) contactTable.enableChangeTracking(organization.versions.next());
    else if (contactTable.changeTrackingEnabled()) {
      throw badPayload(
        contactTable.table,
        'Change tracking can not be disabled once it is enabled.',
      );
    }
    organization.changed();
    return doneAnswer;
  },
};
