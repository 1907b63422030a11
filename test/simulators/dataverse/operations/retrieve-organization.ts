import { LANGUAGE_CODE } from '../metadata/attribute-metadata.ts';
import { guidPattern } from '../tables/read-columns.ts';
import { badQuery, recordNotFound } from '../errors.ts';
import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';

/** `GET organizations(<id>)`: of the organisation's row only name and base language are simulated. */
export const retrieveOrganization: Operation = {
  name: 'RetrieveOrganization',
  method: 'GET',
  path: /^organizations\(([^()]*)\)$/,
  handle(request, organization) {
    allowQuery(request, '$select');
    const id = request.groups[0] ?? '';
    if (!guidPattern.test(id)) throw badQuery('Bad Request - Error in query syntax.');
    const select = request.query.get('$select') ?? 'name';
    for (const name of select.split(',').map((part) => part.trim())) {
      if (['name', 'languagecode', 'organizationid'].includes(name)) continue;
      throw badQuery(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.organization'.`,
      );
    }
    if (id.toLowerCase() !== organization.id) throw recordNotFound('organization', id);
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#organizations(${select})/$entity`,
      name: organization.name,
      languagecode: LANGUAGE_CODE,
      organizationid: organization.id,
    });
  },
};
