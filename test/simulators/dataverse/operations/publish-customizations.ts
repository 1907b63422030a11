import { allowQuery, bodyObject, doneAnswer, type Operation } from '../operation.ts';
import { requireCustomization } from '../privileges.ts';
import { badPayload } from '../tables/read-columns.ts';

/** `POST PublishAllXml`, and `POST PublishXml` with what to publish. Columns are there without it. */
export const publishCustomizations: Operation = {
  name: 'PublishCustomizations',
  method: 'POST',
  path: /^Publish(All)?Xml$/,
  handle(request, organization) {
    allowQuery(request);
    requireCustomization(organization, 'prvPublishCustomization');
    if (request.groups[0] === 'All') return doneAnswer;
    const { ParameterXml: parameters } = bodyObject(request, 'PublishXml');
    if (typeof parameters !== 'string' || !parameters.startsWith('<importexportxml>')) {
      throw badPayload(organization.contactTable.table, "'ParameterXml' is missing.");
    }
    return doneAnswer;
  },
};
