import { randomGuid, type Random } from '../../entra/random.ts';
import type { Contact, ContactEvent } from '../contacts.ts';
import type { Organization } from '../organization.ts';
import { attributeName } from '../tables/seed.ts';
import type { Column, ColumnValue, ColumnValues, Table } from '../tables/table.ts';
import type { Destination, FiringStep, StepImage } from './registered-steps.ts';

/** A webhook's request before it is signed. */
export interface WebhookRequest {
  readonly contactId: string;
  readonly message: ContactEvent['message'];
  readonly stepId: string;
  readonly stepName: string;
  readonly destination: Destination;
  readonly headers: Readonly<Record<string, string>>;
  /** The raw JSON body. */
  readonly body: string;
}

/** Above this size parts of the body are left out (use-webhooks.md). */
const MAX_BODY_BYTES = 256 * 1024;
const leftOutAboveLimit: ReadonlySet<string> = new Set([
  'ParentContext',
  'InputParameters',
  'PreEntityImages',
  'PostEntityImages',
]);

const contract = 'http://schemas.microsoft.com/xrm/2011/Contracts';

/**
 * The request that a webhook step sends for an event: the serialised `RemoteExecutionContext` of an
 * asynchronous step after the operation (use-webhooks.md, "Request Body"), with new ids from `random`.
 *
 * A restored contact fires the message `Restore`, whose target is the full row: the documentation
 * names it as the message to register for (restore-deleted-records.md) and nowhere says that
 * `Create` fires too; that it does not is inferred, and so are the attributes of the target.
 */
export function webhookRequest(
  event: ContactEvent,
  step: FiringStep,
  organization: Organization,
  random: Random,
): WebhookRequest {
  const context = executionContext(event, step, organization, random);
  let body = serialise(context);
  const sizeExceeded = Buffer.byteLength(body) > MAX_BODY_BYTES;
  if (sizeExceeded) {
    const kept = Object.entries(context).filter(([name]) => !leftOutAboveLimit.has(name));
    body = serialise(Object.fromEntries(kept));
  }
  return {
    contactId: event.contact.id,
    message: event.message,
    stepId: step.id,
    stepName: step.name,
    destination: step.destination,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-ms-dynamics-organization': new URL(organization.url).host,
      'x-ms-dynamics-entity-name': 'contact',
      'x-ms-dynamics-request-name': event.message,
      'x-ms-correlation-request-id': context.CorrelationId,
      ...(sizeExceeded && { 'x-ms-dynamics-msg-size-exceeded': 'true' }),
    },
    body,
  };
}

function executionContext(
  event: ContactEvent,
  step: FiringStep,
  organization: Organization,
  random: Random,
) {
  const { contact } = event;
  const { table } = organization.contactTable;
  return {
    BusinessUnitId: organization.businessUnitId,
    CorrelationId: randomGuid(random),
    Depth: 1,
    InitiatingUserId: event.userId,
    InputParameters: [{ key: 'Target', value: target(event, table) }],
    IsExecutingOffline: false,
    IsInTransaction: false,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: event.message,
    Mode: 1,
    // One second is all the resolution that there is.
    OperationCreatedOn: date(Math.floor(event.atMs / 1000) * 1000),
    OperationId: randomGuid(random),
    OrganizationId: organization.id,
    OrganizationName: organization.uniqueName,
    OutputParameters:
      event.message === 'Create' || event.message === 'Restore'
        ? [{ key: 'id', value: contact.id }]
        : [],
    OwningExtension: {
      Id: step.id,
      KeyAttributes: [],
      LogicalName: 'sdkmessageprocessingstep',
      Name: null,
      RowVersion: null,
    },
    ParentContext: null,
    PostEntityImages:
      event.message === 'Delete'
        ? []
        : [
            {
              key: 'AsynchronousStepPrimaryName',
              value: entity(contact.id, [
                { key: 'fullname', value: contact.values['fullname'] ?? null },
                { key: 'contactid', value: contact.id },
              ]),
            },
            ...step.images
              .filter(({ after }) => after)
              .map((image) => imageOf(image, contact, table)),
          ],
    PreEntityImages: step.images.flatMap((image) =>
      image.before && event.before ? [imageOf(image, event.before, table)] : [],
    ),
    PrimaryEntityId: contact.id,
    PrimaryEntityName: 'contact',
    RequestId: randomGuid(random),
    SecondaryEntityName: 'none',
    SharedVariables: event.tag === undefined ? [] : [{ key: 'tag', value: event.tag }],
    Stage: 40,
    UserId: event.userId,
  };
}

function imageOf({ alias, attributes: names }: StepImage, contact: Contact, table: Table) {
  const values = Object.entries(contact.values).filter(
    ([column]) => names?.includes(attributeName(column)) ?? true,
  );
  return { key: alias, value: entity(contact.id, attributes(Object.fromEntries(values), table)) };
}

function target(event: ContactEvent, table: Table) {
  const { id } = event.contact;
  if (event.message === 'Delete') return reference('contact', id);
  return {
    __type: `Entity:${contract}`,
    ...entity(id, [
      ...attributes(event.changed, table),
      { key: 'modifiedby', value: reference('systemuser', event.userId) },
      { key: 'modifiedonbehalfby', value: null },
    ]),
  };
}

function entity(id: string, attributeList: readonly { key: string; value: unknown }[]) {
  return {
    Attributes: attributeList,
    EntityState: null,
    FormattedValues: [],
    Id: id,
    KeyAttributes: [],
    LogicalName: 'contact',
    RelatedEntities: [],
    RowVersion: null,
  };
}

function attributes(values: ColumnValues, table: Table) {
  return Object.entries(values).map(([name, value]) => ({
    key: attributeName(name),
    value: attributeValue(table.columns.get(name), value),
  }));
}

function attributeValue(column: Column | undefined, value: ColumnValue): unknown {
  if (value === null) return null;
  if (column?.lookup) {
    const table = column.name === '_ownerid_value' ? 'systemuser' : 'contact';
    return reference(table, String(value));
  }
  if (column?.type === 'picklist') return { __type: `OptionSetValue:${contract}`, Value: value };
  const isDate = column?.type === 'date' || column?.type === 'datetime';
  return isDate ? date(Date.parse(String(value))) : value;
}

function reference(logicalName: string, id: string) {
  return {
    __type: `EntityReference:${contract}`,
    Id: id,
    KeyAttributes: [],
    LogicalName: logicalName,
    Name: null,
    RowVersion: null,
  };
}

function date(ms: number): string {
  return `/Date(${ms})/`;
}

/** As .NET's DataContractJsonSerializer writes it: every slash escaped. */
function serialise(context: object): string {
  return JSON.stringify(context).replaceAll('/', String.raw`\/`);
}
