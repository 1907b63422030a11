import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { CommandError } from '../../command-line/command-error.ts';

/** What is shown of `GET /api/dynamics/status`; all of it is handed on with `--json`. */
const connectionStatus = z.looseObject({
  status: z.string(),
  checkedAt: z.string(),
  organization: z.looseObject({ id: z.string().nullable(), name: z.string().nullable() }),
  latencyMs: z.number().nullable(),
  sync: z.record(
    z.string(),
    z.looseObject({
      lastSuccessAt: z.string().nullable(),
      due: z.number().nullable(),
      oldestSeconds: z.number().nullable(),
    }),
  ),
  problems: z.array(z.object({ code: z.string(), message: z.string(), remedy: z.string() })),
});
export type ConnectionStatus = z.output<typeof connectionStatus>;

const httpAnswer = z.object({ statusCode: z.number(), body: z.string() });

/**
 * Asks the function behind `GET /api/dynamics/status`, as API Gateway would: whoever is on call has
 * credentials of AWS, and no token of the provider that ConsentHub's staff sign in at.
 *
 * @throws CommandError if the function fails. What Lambda refuses is thrown as its client throws it.
 */
export async function invokeStatus(
  lambda: LambdaClient,
  functionName: string,
): Promise<ConnectionStatus> {
  const event = {
    version: '2.0',
    routeKey: 'GET /api/dynamics/status',
    rawPath: '/api/dynamics/status',
    rawQueryString: '',
    headers: {},
    requestContext: { http: { method: 'GET', path: '/api/dynamics/status' } },
    isBase64Encoded: false,
  };
  const { FunctionError: failure, Payload: payload } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
  );
  const text = payload?.transformToString() ?? '';
  const answer = failure === undefined ? parse(httpAnswer, text) : undefined;
  const status = answer && parse(connectionStatus, answer.body);
  if (status !== undefined) return status;
  throw new CommandError(
    'The function connection-status has failed. Look for FN-001 in its log: npm run ops cannot say more.',
  );
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
