import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import type { RunningStack } from '../running-stack.ts';

const PAUSE_MS = { from: 250, to: 900 } as const;

/** Whoever is chosen and at work dies. The receiver rarely: a webhook that it loses is lost. */
const VICTIMS = [
  'sync-contact',
  'sync-contact',
  'sync-contact',
  'sync-consent',
  'sync-consent',
  'sync-consent',
  'sweep',
  'receive-webhook',
] as const;

/** Ends processes of functions with SIGKILL while they are at an invocation: in the middle of a batch. */
export function createKiller({ stack }: RunningStack, random: Random) {
  const kills: Record<string, number> = {};

  return {
    /** By function. */
    kills,

    async kill(over: AbortSignal): Promise<void> {
      for (let n = 1; !over.aborted; n += 1) {
        await delay(random.between(`kill ${n} pause`, PAUSE_MS.from, PAUSE_MS.to));
        const title = random.pick(`kill ${n} function`, VICTIMS);
        const victim = stack.cloud.functions.find(({ definition }) => definition.title === title);
        const [processId] = victim?.busyProcessIds() ?? [];
        if (processId === undefined) continue;
        process.kill(processId, 'SIGKILL');
        kills[title] = (kills[title] ?? 0) + 1;
      }
    },
  };
}
