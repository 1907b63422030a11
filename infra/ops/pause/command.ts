import { CommandError } from '../../command-line/command-error.ts';
import type { Command } from '../command-context.ts';
import { readSwitches, turnAll } from '../switches.ts';

const MEANING =
  'Nothing is read or written any more, revocations included, until it is resumed. Webhooks are taken, and events wait in the queues, for 14 days at most. Audit rows are sealed only when it goes on.';

export const pauseCommand: Command = {
  summary: 'turns consumers and schedules off; webhooks are taken, and wait',
  options: {},
  help: '',
  async run({ connect, confirm, json, say }) {
    const { target, recorder } = await connect();
    return await recorder.recordedFirst({ command: 'pause' }, async () => {
      if (!(await confirm(`Pause ${target.name}? ${MEANING}`)))
        throw new CommandError('Nothing was changed.');
      await turnAll(target, false);
      say(
        json
          ? JSON.stringify({ switches: await readSwitches(target) }, undefined, 2)
          : 'Paused. Go on with: npm run ops -- resume',
      );
      return 0;
    });
  },
};
