/** How fast a command goes through what it reads, and how long it will still take. */
export interface Pace {
  readonly done: number;
  /** About how many there are; undefined if nobody can say. */
  readonly total: number | undefined;
  /** Of this command, not of the runs before. */
  readonly perSecond: number;
  /** Undefined where it cannot be known yet. */
  readonly secondsLeft: number | undefined;
}

/** @param startedWith how many were done before, by the runs that this one goes on from */
export function paceOf(progress: {
  readonly done: number;
  readonly startedWith: number;
  readonly elapsedMs: number;
  readonly total: number | undefined;
}): Pace {
  const { done, startedWith, elapsedMs, total } = progress;
  const perSecond = elapsedMs > 0 ? (Math.max(0, done - startedWith) * 1000) / elapsedMs : 0;
  const known = total !== undefined && perSecond > 0;
  return {
    done,
    total,
    perSecond,
    // The count is of some time in the last day: more can be there than it says.
    secondsLeft: known ? Math.max(0, total - done) / perSecond : undefined,
  };
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** One line for a log, or for whoever has no terminal. */
export function paceText(things: string, { done, total, perSecond, secondsLeft }: Pace): string {
  const share = total === undefined || total === 0 ? '' : ` of about ${total}`;
  const left = secondsLeft === undefined ? '' : `, about ${durationText(secondsLeft)} left`;
  return `${done}${share} ${things} read, ${Math.round(perSecond)} a second${left}`;
}
