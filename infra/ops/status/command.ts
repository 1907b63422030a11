import type { Command } from '../command-context.ts';
import { readQueueDepths } from '../queue-depths.ts';
import { readSwitches } from '../switches.ts';
import { readPause } from './pause.ts';
import { invokeStatus } from './invoke-status.ts';
import { statusAsText } from './report.ts';

export const statusCommand: Command = {
  summary:
    'how the connection is, how far behind both directions are, and what waits in the queues',
  options: {},
  help: 'Ends with status 0 if all is well, 1 if the connection is not connected or something is turned off,\n2 if that cannot be found out.\n',
  failureStatus: 2,
  async run({ connect, json, say }) {
    const { target, recorder } = await connect();
    return await recorder.recordedAfter({ command: 'status' }, async (note) => {
      const [status, queues, switches] = await Promise.all([
        invokeStatus(target.lambda, target.statusFunction),
        readQueueDepths(target.sqs, target.queues),
        readSwitches(target),
      ]);
      const paused = switches.some(({ on }) => !on);
      const pause = paused ? await readPause(target) : undefined;
      note({ status: status.status, paused });
      say(
        json
          ? JSON.stringify({ ...status, queues, switches, pause: pause ?? null }, undefined, 2)
          : statusAsText(status, queues, switches, pause),
      );
      return status.status === 'connected' && !paused ? 0 : 1;
    });
  },
};
