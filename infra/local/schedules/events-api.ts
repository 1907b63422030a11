import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import {
  type Answer,
  listenOnLoopback,
  type LoopbackServer,
  readBody,
} from '../loopback-server.ts';
import type { ManagedRule } from './managed-rule.ts';

/** Names of rules are short. */
const MAX_BODY_BYTES = 64 * 1024;

const named = z.object({ Name: z.string() });

/**
 * Starts the part of EventBridge's API that looks at rules and turns them off and on: `DescribeRule`,
 * `ListRules`, `EnableRule`, `DisableRule` (EventBridge API reference; JSON 1.1). Requests have to be
 * signed, but whose signature it is does not matter.
 */
export function startEventsApi(rules: readonly ManagedRule[]): Promise<LoopbackServer> {
  return listenOnLoopback(0, async (request) => {
    const body = await readBody(request, MAX_BODY_BYTES);
    return answer(request, body?.toString() ?? '', rules);
  });
}

function answer({ headers }: IncomingMessage, body: string, rules: readonly ManagedRule[]): Answer {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true) {
    return refusal('MissingAuthenticationToken', 'Missing Authentication Token');
  }
  const operation = String(headers['x-amz-target'] ?? '').replace(/^AWSEvents\./, '');
  if (operation === 'ListRules') return json({ Rules: rules.map(descriptionOf) });
  const { data } = named.safeParse(JSON.parse(body));
  const rule = rules.find(({ name }) => name === data?.Name);
  if (rule === undefined) {
    return refusal('ResourceNotFoundException', `Rule ${data?.Name ?? ''} does not exist.`);
  }
  switch (operation) {
    case 'DescribeRule':
      return json(descriptionOf(rule));
    case 'EnableRule':
      rule.enable();
      return json();
    case 'DisableRule':
      rule.disable();
      return json();
    default:
      return refusal('UnknownOperationException', `${operation} is not served here.`);
  }
}

function descriptionOf({ name, arn, expression, enabled }: ManagedRule): object {
  return {
    Name: name,
    Arn: arn,
    ScheduleExpression: expression,
    State: enabled() ? 'ENABLED' : 'DISABLED',
  };
}

/** @param value absent: the operation answers without a body */
function json(value?: object, statusCode = 200): Answer {
  return {
    statusCode,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-requestid': randomUUID(),
    },
    body: Buffer.from(value === undefined ? '' : JSON.stringify(value)),
  };
}

const refusal = (type: string, message: string): Answer => json({ __type: type, message }, 400);
