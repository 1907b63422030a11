import { describe, expect, test } from 'vitest';
import { explore, type Model, TooManyStates } from './explore.ts';
import { completeRuns, runsWithoutGuard } from './runs.ts';

/** Seconds on an idle core; this is for a machine that does ten things at once. */
const TIMEOUT_MS = 60_000;

/** Above every budget of the test; more means that a model has grown without anybody noticing. */
const MAX_STATES = 300_000;

/** A model in which little can happen proves little. */
const MIN_STATES = 20_000;
const MIN_RESTING_STATES = 5;

const told = (violation: { problem: string; steps: readonly string[] } | undefined) =>
  violation && [...violation.steps, `${violation.problem}, after ${violation.steps.length} steps`];

describe('with all guards the protocol holds', {
  timeout: TIMEOUT_MS,
  tags: [
    'fault-4',
    'fault-5',
    'fault-6',
    'fault-10',
    'fault-11',
    'fault-12',
    'fault-24',
    'fault-30',
    'fault-34',
  ],
}, () => {
  test.each(completeRuns())('$name', (run) => {
    const { states, restingStates, violation } = run.explore(MAX_STATES);
    expect(told(violation)).toBeUndefined();
    expect(states).toBeGreaterThan(MIN_STATES);
    expect(restingStates).toBeGreaterThan(MIN_RESTING_STATES);
  });
});

describe('every guard is needed', { timeout: TIMEOUT_MS }, () => {
  test.each(runsWithoutGuard())('$name', (run) => {
    const { states, violation } = run.explore(MAX_STATES);
    expect(violation, `no counterexample in ${states} states`).toBeDefined();
    // Long enough that nobody takes a start that is wrong already for a counterexample.
    expect(violation?.steps).not.toEqual([]);
  });
});

describe('the explorer', () => {
  /** Counts up by one or two from 0. */
  const counting = (bad: number | undefined): Model<number> => ({
    initial: 0,
    steps: (state) =>
      state >= 6 ? [] : [1, 2].map((by) => ({ name: `+${by}`, next: state + by })),
    key: String,
    atRest: (state) => state >= 6,
    problem: (state) => (state === bad ? 'reached' : undefined),
  });

  test('visits every state once', () => {
    expect(explore(counting(undefined), 100)).toEqual({
      states: 8,
      restingStates: 2,
      violation: undefined,
    });
  });

  test('finds a shortest way', () => {
    expect(explore(counting(4), 100).violation).toEqual({
      problem: 'reached',
      steps: ['+2', '+2'],
    });
  });

  test('fails loudly at its bound', () => {
    expect(() => explore(counting(undefined), 4)).toThrow(TooManyStates);
  });
});
