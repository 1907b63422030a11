import { jsonAnswer, type Operation } from '../operation.ts';

/**
 * `GET RetrieveTotalRecordCount(EntityNames=['contact'])`: how many rows there were at some time in the
 * last 24 hours ("RetrieveTotalRecordCount Function"); here it is always the time of the request.
 */
export const retrieveTotalRecordCount: Operation = {
  name: 'RetrieveTotalRecordCount',
  method: 'GET',
  path: /^RetrieveTotalRecordCount\(EntityNames=\['contact'\]\)$/,
  handle: (_request, organization) =>
    jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse`,
      EntityRecordCountCollection: {
        Count: 1,
        IsReadOnly: false,
        Keys: ['contact'],
        Values: [organization.contacts.all().length],
      },
    }),
};
