import { allowQuery, jsonAnswer, type Operation } from '../operation.ts';

const VERSION = '9.2.26014.00147';

/** `GET RetrieveVersion()`: the version of the server ("RetrieveVersion Function"). */
export const retrieveVersion: Operation = {
  name: 'RetrieveVersion',
  method: 'GET',
  path: /^RetrieveVersion\(\)$/,
  handle(request, organization) {
    allowQuery(request);
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse`,
      Version: VERSION,
    });
  },
};
