import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { CommandError } from '../command-line/command-error.ts';
import type { Target } from './target.ts';

/** What moves by itself: what feeds a queue to its function, and the clock's schedules. */
export interface Switch {
  /** Of the queue, or of the function that is called. */
  readonly name: string;
  readonly kind: 'mapping' | 'schedule';
  readonly on: boolean;
}

/** "Enabled" in a minute or so: Lambda's own pollers have to hear of it. */
const MAX_SWITCH_MS = 180_000;
const LOOK_EVERY_MS = 1_000;

type Clients = Pick<Target, 'sqs' | 'lambda' | 'events' | 'queues' | 'rules'>;

/** Throws as the clients do. */
export async function readSwitches(target: Clients): Promise<readonly Switch[]> {
  const [mappings, schedules] = await Promise.all([
    readMappings(target),
    Promise.all(
      target.rules.map(async ({ name, ruleName }): Promise<Switch> => {
        const { State: state } = await target.events.send(
          new DescribeRuleCommand({ Name: ruleName }),
        );
        return { name, kind: 'schedule', on: state !== 'DISABLED' };
      }),
    ),
  ]);
  return [...mappings.map(({ name, state }) => mappingSwitch(name, state)), ...schedules];
}

const mappingSwitch = (name: string, state: string): Switch => ({
  name,
  kind: 'mapping',
  on: state !== 'Disabled' && state !== 'Disabling',
});

/**
 * Turns everything off, schedules first, or on, schedules last: so that nobody rings for rows that
 * nobody is there to hear of. Resolves when it is so.
 *
 * Throws as the clients do.
 * @throws CommandError if Lambda takes too long
 */
export async function turnAll(target: Clients, on: boolean): Promise<void> {
  if (!on) await turnSchedules(target, false);
  await turnMappings(target, on);
  if (on) await turnSchedules(target, true);
}

async function turnSchedules({ events, rules }: Clients, on: boolean): Promise<void> {
  for (const { ruleName } of rules) {
    const request = { Name: ruleName };
    await (on
      ? events.send(new EnableRuleCommand(request))
      : events.send(new DisableRuleCommand(request)));
  }
}

async function turnMappings(target: Clients, on: boolean): Promise<void> {
  const wanted = on ? 'Enabled' : 'Disabled';
  const mappings = await readMappings(target);
  await Promise.all(
    mappings.map(async ({ id, name, state: found }) => {
      // Lambda refuses a change while another one is under way.
      let state = await settled(target, id, name, found);
      if (state === wanted) return;
      await target.lambda.send(new UpdateEventSourceMappingCommand({ UUID: id, Enabled: on }));
      state = await settled(target, id, name, undefined);
      if (state !== wanted) throw new CommandError(`The mapping of ${name} is ${state}.`);
    }),
  );
}

/** @returns the state that a mapping ends in. @throws CommandError if it takes too long */
async function settled(
  { lambda }: Clients,
  id: string,
  name: string,
  known: string | undefined,
): Promise<string> {
  let state = known ?? (await stateOf(lambda, id));
  const giveUpAt = performance.now() + MAX_SWITCH_MS;
  while (state.endsWith('ing')) {
    if (performance.now() > giveUpAt) {
      throw new CommandError(
        `The mapping of ${name} is still ${state}. What was turned stays so: run this again.`,
      );
    }
    await delay(LOOK_EVERY_MS);
    state = await stateOf(lambda, id);
  }
  return state;
}

async function stateOf(lambda: Target['lambda'], id: string): Promise<string> {
  const { State: state = '' } = await lambda.send(new GetEventSourceMappingCommand({ UUID: id }));
  return state;
}

/** @throws CommandError if a queue has none: the deployment is not what this version knows */
async function readMappings({ sqs, lambda, queues }: Clients) {
  return await Promise.all(
    queues.map(async ({ name, url }) => {
      const { Attributes: attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
      );
      const { EventSourceMappings: [mapping] = [] } = await lambda.send(
        new ListEventSourceMappingsCommand({ EventSourceArn: attributes?.QueueArn }),
      );
      if (mapping?.UUID === undefined || mapping.State === undefined) {
        throw new CommandError(`Nothing feeds ${name} to a function: deploy the stack again.`);
      }
      return { id: mapping.UUID, name, state: mapping.State };
    }),
  );
}
