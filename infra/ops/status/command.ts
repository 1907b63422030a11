import type { Command } from '../command.ts';
import { readQueueDepths } from '../queue-depths.ts';
import { invokeStatus } from './invoke-status.ts';
import { statusAsText } from './report.ts';

export const statusCommand: Command = {
  summary:
    'how the connection is, how far behind both directions are, and what waits in the queues',
  options: {},
  help: 'Ends with status 0 if the connection is connected, 1 if it is not, 2 if that cannot be found out.\n',
  failureStatus: 2,
  async run({ connect, json, say }) {
    const { target, recorder } = await connect();
    return await recorder.looking({ command: 'status' }, async (note) => {
      const [status, queues] = await Promise.all([
        invokeStatus(target.lambda, target.statusFunction),
        readQueueDepths(target.sqs, target.queues),
      ]);
      note({ status: status.status });
      say(
        json ? JSON.stringify({ ...status, queues }, undefined, 2) : statusAsText(status, queues),
      );
      return status.status === 'connected' ? 0 : 1;
    });
  },
};
