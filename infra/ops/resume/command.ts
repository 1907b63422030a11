import type { Command } from '../command-context.ts';
import { readQueueDepths } from '../queue-depths.ts';
import { turnAll } from '../switches.ts';
import { catchUp } from './catch-up.ts';

export const resumeCommand: Command = {
  summary: 'turns them on again, and shows how the queues are drained',
  options: {},
  help: 'Shows what is left for ten minutes at most; Ctrl-C ends the watching, not the work.\n',
  async run({ connect, json, say, wait, interruption }) {
    const { target, recorder } = await connect();
    return await recorder.recordedFirst({ command: 'resume' }, async (note) => {
      await turnAll(target, true);
      if (!json) say('Resumed.');
      const left = await catchUp({
        readDepths: () => readQueueDepths(target.sqs, target.queues),
        onLeft: (messages) => {
          if (!json) say(`${messages} in the queues`);
        },
        wait,
        now: () => performance.now(),
        interruption,
      });
      note({ left });
      if (json) say(JSON.stringify({ left }));
      else if (left === 0) say('Caught up. What is due: npm run ops -- status');
      else say('It goes on by itself. How far it is: npm run ops -- status');
      return 0;
    });
  },
};
