import { createHmac } from 'node:crypto';

export const ORGANIZATION_ID = '11111111-aaaa-4bbb-8ccc-000000000001';
export const CONTACT_ID = '22222222-aaaa-4bbb-8ccc-000000000002';
export const STEP_ID = '33333333-aaaa-4bbb-8ccc-000000000003';
export const OPERATION_ID = '44444444-aaaa-4bbb-8ccc-000000000004';
export const CORRELATION_ID = '55555555-aaaa-4bbb-8ccc-000000000005';

/** A complete `RemoteExecutionContext` of a created contact, as Dataverse posts it. */
export function executionContext(overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    BusinessUnitId: '66666666-aaaa-4bbb-8ccc-000000000006',
    CorrelationId: CORRELATION_ID,
    Depth: 1,
    InitiatingUserAzureActiveDirectoryObjectId: '00000000-0000-0000-0000-000000000000',
    InitiatingUserId: '77777777-aaaa-4bbb-8ccc-000000000007',
    InputParameters: [
      {
        key: 'Target',
        value: {
          __type: 'Entity:http://schemas.microsoft.com/xrm/2011/Contracts',
          Attributes: [
            { key: 'firstname', value: 'Ada' },
            { key: 'lastname', value: 'Fictitious' },
            { key: 'emailaddress1', value: 'ada@example.test' },
            {
              key: 'statecode',
              value: {
                __type: 'OptionSetValue:http://schemas.microsoft.com/xrm/2011/Contracts',
                Value: 0,
              },
            },
            { key: 'createdon', value: '/Date(1506384247000-0700)/' },
            { key: 'telephone1', value: null },
          ],
          EntityState: null,
          FormattedValues: [],
          Id: CONTACT_ID,
          KeyAttributes: [],
          LogicalName: 'contact',
          RelatedEntities: [],
          RowVersion: null,
        },
      },
    ],
    IsExecutingOffline: false,
    IsInTransaction: false,
    IsOfflinePlayback: false,
    IsolationMode: 1,
    MessageName: 'Create',
    Mode: 1,
    OperationCreatedOn: '/Date(1506409448000)/',
    OperationId: OPERATION_ID,
    OrganizationId: ORGANIZATION_ID,
    OrganizationName: 'unq0123456789abcdef',
    OutputParameters: [],
    OwningExtension: {
      Id: STEP_ID,
      KeyAttributes: [],
      LogicalName: 'sdkmessageprocessingstep',
      Name: null,
      RowVersion: null,
    },
    ParentContext: null,
    PostEntityImages: [],
    PreEntityImages: [],
    PrimaryEntityId: CONTACT_ID,
    PrimaryEntityName: 'contact',
    RequestId: '88888888-aaaa-4bbb-8ccc-000000000008',
    SecondaryEntityName: 'none',
    SharedVariables: [],
    Stage: 40,
    UserId: '77777777-aaaa-4bbb-8ccc-000000000007',
    ...overrides,
  };
}

/** Lower-case hex HMAC-SHA256 of a body, over `timestamp + "." + body` if a timestamp is given. */
export function signatureOf(body: string | Uint8Array, secret: string, timestamp?: string): string {
  const hmac = createHmac('sha256', secret);
  if (timestamp !== undefined) hmac.update(`${timestamp}.`);
  return hmac.update(body).digest('hex');
}
