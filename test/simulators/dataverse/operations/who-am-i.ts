import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';

export const whoAmI: Operation = {
  name: 'WhoAmI',
  method: 'GET',
  path: /^WhoAmI(?:\(\))?$/,
  handle(request, organization) {
    allowQuery(request);
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      BusinessUnitId: organization.businessUnitId,
      UserId: organization.applicationUserId,
      OrganizationId: organization.id,
    });
  },
};
