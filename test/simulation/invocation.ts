import type { World } from './world.ts';

/** One run of a function in a container of its own. */
export interface Invocation {
  readonly name: string;
  /** What this container takes for the time, in milliseconds off. */
  readonly skewMs: number;
  readonly endsByMs: number;
  /** The process is gone: nothing that it asked for reaches it any more. */
  dead: boolean;
  /** It died, or the database failed it: what it had in hand may be missing from the audit trail. */
  disturbed: boolean;
  calls: number;
  die(): void;
}

/** What a call came to, and what the history says of it. */
export interface Effect<T> {
  /** Undefined: none ever comes. */
  readonly answer: (() => T) | undefined;
  readonly says: string;
}

export interface Call<T, Refusal extends string> {
  readonly label: string;
  readonly target: 'database' | 'dataverse' | 'queue' | 'redis' | 'entra';
  /** What the call does at the other side. Runs alone. */
  readonly effect: () => Promise<Effect<T>> | Effect<T>;
  /** The client waits no longer than this. */
  readonly giveUpAfterMs: number;
  /** So late it can take effect after the client has sent it. */
  readonly latestMs: number;
  /** What the caller sees when no answer came. */
  readonly unanswered: () => Error;
  /** Kinds of fault that are an answer of the other side, instead of the effect. */
  readonly refusals: readonly Refusal[];
  readonly refuse: (refusal: Refusal) => Effect<T>;
}

const COMMON_FAULTS = [
  'crash before',
  'crash after',
  'request lost',
  'answer lost',
  'late',
  'slow',
] as const;

/** About how long a call takes each way, without faults. */
const USUAL_MS = { database: 10, dataverse: 80, queue: 10, redis: 5, entra: 100 } as const;

/** How much slower than usual the calls to one system may be in a run; the more, the more they overlap. */
const SPREADS = [1, 5, 15, 40] as const;

/**
 * One call of a function to the outside. It leaves, takes effect and is answered at times of its own,
 * and in between anything else may happen; the process may vanish before it, after it, or while it is
 * under way.
 */
export function callOutside<T, Refusal extends string>(
  world: World,
  invocation: Invocation,
  call: Call<T, Refusal>,
): Promise<T> {
  const { random } = world;
  invocation.calls += 1;
  const key = `${invocation.name} #${invocation.calls}`;
  const line = (text: string) => world.note(`${invocation.name}: ${call.label} ${text}`);
  const fault = world.fault(key, call.label, [
    ...COMMON_FAULTS.map((kind) => `${call.target} ${kind}` as const),
    ...call.refusals.map((refusal) => `${call.target} ${refusal}` as const),
  ]);
  const kind = fault?.slice(call.target.length + 1);
  const refusal = call.refusals.find((one) => one === kind);

  return new Promise<T>((resolve, reject) => {
    // Nothing reaches a dead process.
    const deliver = (answer: () => T) => {
      if (invocation.dead) return;
      try {
        resolve(answer());
      } catch (error) {
        if (call.target === 'database') invocation.disturbed = true;
        reject(error);
      }
    };
    const giveUp = () =>
      deliver(() => {
        throw call.unanswered();
      });
    const crash = () => {
      invocation.die();
      line('✗ the process vanishes');
    };
    // Most calls are quick, some take long: a few that hang on each other find more than many.
    const usualMs =
      USUAL_MS[call.target] *
      (world.faulty
        ? random.pick(`spread of ${call.target}`, SPREADS) *
          (0.3 + 4 * random.unit(`${key} ms`) ** 3)
        : 1);

    if (kind === 'crash before') return crash();
    if (kind === 'request lost') {
      line('is lost on the way');
      return world.after(call.giveUpAfterMs, giveUp);
    }
    // Slow is what the client just bears.
    const slowMs = random.between(`${key} slow`, 0, call.giveUpAfterMs);
    const leavesMs =
      kind === 'slow'
        ? slowMs
        : kind === 'late'
          ? random.between(`${key} late`, call.giveUpAfterMs, call.latestMs)
          : usualMs;
    const returnsMs = kind === 'slow' ? call.giveUpAfterMs - slowMs - 1 : usualMs;
    world.called({ key, label: call.label, underWayMs: leavesMs + returnsMs });
    // Only what is still waited for can be answered.
    let waiting = true;
    world.after(
      call.giveUpAfterMs,
      () => {
        if (!waiting || invocation.dead) return;
        waiting = false;
        line('is given up');
        giveUp();
      },
      { background: true },
    );
    world.after(leavesMs, async () => {
      const { answer, says } = refusal === undefined ? await call.effect() : call.refuse(refusal);
      line(`→ ${says}`);
      if (kind === 'crash after' && !invocation.dead) return crash();
      if (kind === 'answer lost' || answer === undefined) return;
      world.after(returnsMs, () => {
        if (!waiting) return;
        waiting = false;
        deliver(answer);
      });
    });
  });
}

/** Time passes for a process, if it lives to see it. */
export function waitIn(world: World, invocation: Invocation, ms: number): Promise<void> {
  return new Promise((resolve) => {
    world.after(ms, () => {
      if (!invocation.dead) resolve();
    });
  });
}
