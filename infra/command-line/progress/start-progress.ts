import type { CommonContext } from '../command.ts';
import { paceOf } from './pace.ts';
import { showProgress } from './show-progress.ts';

/** Shows how far a command is that begins at nothing, from now on; with `--json` nobody is told. */
export function startProgress(
  { json, say, terminal }: Pick<CommonContext, 'json' | 'say' | 'terminal'>,
  things: string,
) {
  const shown = showProgress({
    things,
    terminal: json ? undefined : terminal,
    now: () => performance.now(),
    line: (text) => (json ? undefined : say(text)),
  });
  const begunMs = performance.now();
  return {
    end: () => shown.end(),
    show(done: number, total: number | undefined): void {
      const elapsedMs = performance.now() - begunMs;
      shown.show(paceOf({ done, startedWith: 0, elapsedMs, total }));
    },
  };
}
