import { guid } from '../../../shared/dataverse/guid.ts';
import { CommandError } from '../../command-line/command-error.ts';
import type { Command, CommandContext, Connection } from '../command-context.ts';
import type { DeadLetter } from './dead-letter.ts';
import {
  type DeadLetters,
  findDeadLetter,
  MAX_LETTERS_OF_A_QUEUE,
  readDeadLetters,
} from './read.ts';
import {
  countsAsText,
  letterAsJson,
  letterAsText,
  lettersAsJson,
  lettersAsText,
  unseenAsText,
} from './report.ts';
import { takeDeadLetters } from './take.ts';

const USAGE = 'list | show <id> | redrive [<id>] | discard <id>';

export const deadLettersCommand: Command = {
  summary: 'messages that were put aside: lists, shows, sends back or discards them',
  words: { usage: USAGE, max: 2 },
  options: {},
  help: `  list            all of them, the oldest first, at most ${MAX_LETTERS_OF_A_QUEUE} of a queue
  show <id>       what it says, why it was put aside, what to do
  redrive [<id>]  sends it, or all of them, back to the queue that it came from, five a second
  discard <id>    deletes it
`,
  async run(context) {
    const [action, id] = context.options.words;
    switch (action) {
      case 'list':
        if (id !== undefined) throw new CommandError(`${id}: not understood`);
        return await list(context);
      case 'show':
        return await show(context, required(action, id));
      case 'redrive':
        return await take(context, action, id === undefined ? undefined : checked(id));
      case 'discard':
        return await take(context, action, required(action, id));
      case undefined:
      default:
        throw new CommandError(`Say what to do: ${USAGE}`);
    }
  },
};

/** What somebody types goes into the audit trail, which nobody can take it out of: only ids may. */
function checked(id: string): string {
  const { data } = guid.safeParse(id);
  if (data !== undefined) return data;
  throw new CommandError(`${id}: not the id of a message. The ids: dead-letters list`);
}

function required(action: string, id: string | undefined): string {
  if (id !== undefined) return checked(id);
  throw new CommandError(`Say which one: dead-letters ${action} <id>. The ids: dead-letters list`);
}

async function list({ connect, json, say }: CommandContext): Promise<number> {
  const { target, recorder } = await connect();
  return await recorder.recordedAfter({ command: 'dead-letters list' }, async (note) => {
    const found = await readDeadLetters(target.sqs, target.queues);
    note({ count: found.letters.length, unseen: found.unseen });
    say(json ? JSON.stringify(lettersAsJson(found), undefined, 2) : lettersAsText(found));
    return 0;
  });
}

async function show({ connect, json, say }: CommandContext, id: string): Promise<number> {
  const { target, recorder } = await connect();
  const run = { command: 'dead-letters show', request: { messageId: id } };
  return await recorder.recordedAfter(run, async () => {
    const letter = await find({ target }, id);
    say(json ? JSON.stringify(letterAsJson(letter), undefined, 2) : letterAsText(letter));
    return 0;
  });
}

async function take(
  { connect, confirm, json, say, wait, interruption }: CommandContext,
  action: 'redrive' | 'discard',
  id: string | undefined,
): Promise<number> {
  const { target, recorder } = await connect();
  const run = { command: `dead-letters ${action}`, request: { messageId: id ?? null } };
  return await recorder.recordedFirst(run, async (note) => {
    const found =
      id === undefined
        ? await readDeadLetters(target.sqs, target.queues)
        : { letters: [await find({ target }, id)], unseen: 0 };
    const { letters, unseen } = found;
    if (letters.length === 0) {
      say(json ? asJson(action, found, []) : lettersAsText(found));
      return unseen === 0 ? 0 : 1;
    }
    const verb = action === 'redrive' ? 'Send back' : 'Delete for good';
    if (!(await confirm(`${verb}, in ${target.name}: ${countsAsText(letters)}?`))) {
      throw new CommandError('Nothing was changed.');
    }
    note({ asked: letters.length, unseen });
    const taken = await takeDeadLetters(action, {
      sqs: target.sqs,
      queues: target.queues,
      letters,
      wait,
      interruption,
      onTaken: (messageIds) => note({ messageIds }),
    });
    const interrupted = interruption.aborted && taken.length < letters.length;
    note({ taken: taken.length, interrupted });
    const done = action === 'redrive' ? 'Sent back' : 'Deleted';
    say(
      json
        ? asJson(action, found, taken)
        : [
            ...(interrupted ? ['Interrupted.'] : []),
            `${done}: ${taken.length} of ${letters.length}.`,
            ...unseenAsText(unseen),
          ].join('\n'),
    );
    return taken.length === letters.length && unseen === 0 ? 0 : 1;
  });
}

async function find({ target }: Pick<Connection, 'target'>, id: string): Promise<DeadLetter> {
  const letter = await findDeadLetter(target.sqs, target.queues, id);
  if (letter !== undefined) return letter;
  throw new CommandError(
    `No dead letter has the id ${id}, or somebody looks at it just now. Those that are there: dead-letters list`,
  );
}

function asJson(
  action: string,
  { letters, unseen }: DeadLetters,
  taken: readonly string[],
): string {
  return JSON.stringify(
    { action, asked: letters.map(({ id }) => id), taken, unseen },
    undefined,
    2,
  );
}
