import type { Organization } from '../organization.ts';
import { toDateTime } from '../tables/read-columns.ts';
import type { Delivery } from './deliveries.ts';
import type { WebhookRequest } from './execution-context.ts';

/** State and status reasons of an `asyncoperation` that has ended. */
const COMPLETED = 3;
const SUCCEEDED = 30;
const FAILED = 31;
/** `operationtype` of a step that runs asynchronously. */
const SYSTEM_EVENT = 1;
/** The endpoint did not answer as it should, or the plug-in said so (0x80040265; for webhooks inferred). */
const STEP_FAILED = -2_147_220_891;

/**
 * Leaves the system job of a webhook that was delivered or lost: a failed one stays, one that succeeded
 * only if its step does not delete it (`asyncautodelete`). What a plug-in threw is the job's message.
 */
export function recordSystemJob(
  request: WebhookRequest,
  delivery: Delivery,
  organization: Organization,
  pluginMessage: string | undefined,
): void {
  const { systemRows } = organization;
  const step = systemRows.of('sdkmessageprocessingsteps').find(request.stepId);
  const failed = delivery.state === 'failed';
  if (!failed && step?.values['asyncautodelete'] === true) return;
  const answer = String(delivery.statuses.at(-1));
  systemRows.of('asyncoperations').create({
    name: request.stepName,
    messagename: request.message,
    operationtype: SYSTEM_EVENT,
    statecode: COMPLETED,
    statuscode: failed ? FAILED : SUCCEEDED,
    retrycount: delivery.attempts - 1,
    startedon: delivery.startedAt && toDateTime(Date.parse(delivery.startedAt)),
    completedon: toDateTime(organization.now()),
    _owningextensionid_value: request.stepId,
    _regardingobjectid_value: request.contactId,
    ...(failed && {
      errorcode: STEP_FAILED,
      message: pluginMessage ?? `The webhook call failed. Answer: ${answer}.`,
      friendlymessage: pluginMessage ?? 'The webhook call failed.',
    }),
  });
}
