import { guidFrom, randomGuid, type Random } from '../../entra/random.ts';
import type { Column, ColumnValue, ColumnValues, ContactColumns } from '../columns.ts';
import type { ContactEvent } from '../contacts.ts';
import type { Organization } from '../organization.ts';

/** A webhook's request before it is signed. */
export interface WebhookRequest {
  readonly contactId: string;
  readonly message: ContactEvent['message'];
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
  organization: Organization,
  random: Random,
): WebhookRequest {
  const context = executionContext(event, organization, random);
  let body = serialise(context);
  const sizeExceeded = Buffer.byteLength(body) > MAX_BODY_BYTES;
  if (sizeExceeded) {
    const kept = Object.entries(context).filter(([name]) => !leftOutAboveLimit.has(name));
    body = serialise(Object.fromEntries(kept));
  }
  return {
    contactId: event.contact.id,
    message: event.message,
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

function executionContext(event: ContactEvent, organization: Organization, random: Random) {
  const { contact } = event;
  return {
    BusinessUnitId: organization.businessUnitId,
    CorrelationId: randomGuid(random),
    Depth: 1,
    InitiatingUserId: event.userId,
    InputParameters: [{ key: 'Target', value: target(event, organization.columns) }],
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
      Id: guidFrom(`${organization.id} step ${event.message}`),
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
          ],
    PreEntityImages: [],
    PrimaryEntityId: contact.id,
    PrimaryEntityName: 'contact',
    RequestId: randomGuid(random),
    SecondaryEntityName: 'none',
    SharedVariables: event.tag === undefined ? [] : [{ key: 'tag', value: event.tag }],
    Stage: 40,
    UserId: event.userId,
  };
}

function target(event: ContactEvent, columns: ContactColumns) {
  const { id } = event.contact;
  if (event.message === 'Delete') return reference('contact', id);
  return {
    __type: `Entity:${contract}`,
    ...entity(id, [
      ...attributes(event.changed, columns),
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

function attributes(values: ColumnValues, columns: ContactColumns) {
  return Object.entries(values).map(([name, value]) => ({
    // A lookup is an attribute under its own name; `_…_value` exists in the Web API only.
    key: name.replace(/^_(.+)_value$/, '$1'),
    value: attributeValue(columns.get(name), value),
  }));
}

function attributeValue(column: Column | undefined, value: ColumnValue): unknown {
  if (value === null) return null;
  if (column?.lookup) return reference('contact', String(value));
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
