import * as z from 'zod';
import type { ManagedMapping } from '../queues/managed-mapping.ts';
import { LambdaError } from './lambda-error.ts';

/** "ListEventSourceMappings", "GetEventSourceMapping", "UpdateEventSourceMapping" in the Lambda API reference. */
const PATH = /^\/2015-03-31\/event-source-mappings(?:\/(?<id>[^/]*))?\/?$/;

export interface MappingsRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}

/** Everything else that a mapping has is what the template says. */
const update = z.strictObject({ Enabled: z.boolean(), FunctionName: z.string().exactOptional() });

/**
 * Answers what is asked about event source mappings.
 *
 * @returns undefined if the request is about something else
 * @throws LambdaError
 */
export function answerMappings(
  { method, url, body }: MappingsRequest,
  mappings: readonly ManagedMapping[],
): { readonly status: number; readonly body: object } | undefined {
  const match = PATH.exec(url.pathname);
  if (match === null) return undefined;
  const id = match.groups?.['id'] ?? '';
  if (id === '' && method === 'GET') {
    const source = url.searchParams.get('EventSourceArn');
    const found = mappings.filter(
      ({ definition }) => source === null || definition.queueArn === source,
    );
    return { status: 200, body: { EventSourceMappings: found.map(configurationOf) } };
  }
  const mapping = mappings.find(({ definition }) => definition.id === id);
  if (mapping === undefined) {
    throw new LambdaError(
      'ResourceNotFoundException',
      404,
      'The resource you requested does not exist.',
      {
        Type: 'User',
      },
    );
  }
  if (method === 'GET') return { status: 200, body: configurationOf(mapping) };
  if (method !== 'PUT') throw new LambdaError('UnknownOperationException', 404, 'Not served here.');
  turn(mapping, enabledOf(body));
  return { status: 202, body: configurationOf(mapping) };
}

/** @throws LambdaError */
function enabledOf(body: Buffer): boolean {
  const { data } = update.safeParse(JSON.parse(body.toString()));
  if (data !== undefined) return data.Enabled;
  throw new LambdaError(
    'InvalidParameterValueException',
    400,
    'Only Enabled can be changed while the stack runs; the rest stands in the template.',
  );
}

/** @throws LambdaError while an earlier change is under way */
function turn(mapping: ManagedMapping, enabled: boolean): void {
  if (mapping.state() === 'Disabling' || mapping.state() === 'Creating') {
    throw new LambdaError(
      'ResourceInUseException',
      400,
      `Cannot update the event source mapping with UUID ${mapping.definition.id} because it is in use.`,
      { Type: 'User' },
    );
  }
  if (enabled) mapping.enable();
  else mapping.disable();
}

function configurationOf({ definition, state }: ManagedMapping): object {
  return {
    UUID: definition.id,
    BatchSize: definition.batchSize,
    MaximumBatchingWindowInSeconds: definition.batchingWindowSeconds,
    EventSourceArn: definition.queueArn,
    FunctionArn: definition.functionArn,
    State: state(),
  };
}
