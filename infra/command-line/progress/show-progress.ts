import { SingleBar } from 'cli-progress';
import { durationText, type Pace, paceText } from './pace.ts';

/** Without a terminal a line is written this often, so that a log does not drown. */
const LINE_INTERVAL_MS = 10_000;

export interface ShownProgress {
  show(pace: Pace): void;
  end(): void;
}

/** A bar where somebody looks, a line now and then where not. */
export function showProgress(surroundings: {
  /** What is read, such as `contacts`. */
  readonly things: string;
  readonly terminal: NodeJS.WritableStream | undefined;
  /** Milliseconds since any moment. */
  readonly now: () => number;
  readonly line: (text: string) => void;
}): ShownProgress {
  const { things, terminal, now, line } = surroundings;
  return terminal === undefined ? lines(things, now, line) : bar(things, terminal);
}

function lines(things: string, now: () => number, line: (text: string) => void): ShownProgress {
  // What is done sooner needs no line.
  let lastMs = now();
  return {
    show(pace) {
      if (now() - lastMs < LINE_INTERVAL_MS) return;
      lastMs = now();
      line(paceText(things, pace));
    },
    end() {},
  };
}

function bar(things: string, stream: NodeJS.WritableStream): ShownProgress {
  let drawn: SingleBar | undefined;
  return {
    show(pace) {
      const { done, perSecond, secondsLeft } = pace;
      // More than was counted is no more than all of it.
      const total = Math.max(pace.total ?? 0, done);
      const words = {
        rate: Math.round(perSecond),
        left: secondsLeft === undefined ? '' : `· about ${durationText(secondsLeft)} left`,
      };
      if (drawn === undefined) {
        drawn = new SingleBar({
          stream,
          format: `  {bar} {percentage} % · {value} ${things} · {rate} a second {left}`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          hideCursor: true,
        });
        drawn.start(total, done, words);
      }
      drawn.setTotal(total);
      drawn.update(done, words);
    },
    end: () => drawn?.stop(),
  };
}
