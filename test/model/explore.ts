/** One thing that can happen, and the state that it leads to. */
export interface Step<State> {
  readonly name: string;
  readonly next: State;
}

/** A system whose every interleaving is looked at. */
export interface Model<State> {
  readonly initial: State;
  /** Everything that can happen next. States are never changed, only copied. */
  steps(state: State): Iterable<Step<State>>;
  /** Equal for states between which no future can tell a difference. */
  key(state: State): string;
  /** Nothing is left to happen by itself: no message, nothing due, nobody at work. */
  atRest(state: State): boolean;
  /** What is wrong with a state; undefined where nothing is. */
  problem(state: State, atRest: boolean): string | undefined;
}

export interface Exploration {
  /** Different states that were reached. */
  readonly states: number;
  /** How many of them were at rest. A model that never rests proves nothing. */
  readonly restingStates: number;
  /** A shortest way to a state with a problem. */
  readonly violation: { readonly problem: string; readonly steps: readonly string[] } | undefined;
}

/** The bound was reached: nothing is proven, and the bound or the model's budget has to change. */
export class TooManyStates extends Error {
  override readonly name = 'TooManyStates';
}

/**
 * Visits every state that the model can reach, breadth first, until one has a problem: its steps are a
 * shortest counterexample. @throws TooManyStates
 */
export function explore<State>(model: Model<State>, maxStates: number): Exploration {
  const numbers = new Map<string, number>([[model.key(model.initial), 0]]);
  // How each state was reached first, by its number.
  const parents: number[] = [-1];
  const names: string[] = [''];
  let restingStates = 0;
  let frontier = [{ state: model.initial, number: 0 }];
  while (frontier.length > 0) {
    const reached: typeof frontier = [];
    for (const { state, number } of frontier) {
      const atRest = model.atRest(state);
      if (atRest) restingStates += 1;
      const problem = model.problem(state, atRest);
      if (problem !== undefined) {
        const steps = pathTo(number, parents, names);
        return { states: numbers.size, restingStates, violation: { problem, steps } };
      }
      for (const { name, next } of model.steps(state)) {
        const key = model.key(next);
        if (numbers.has(key)) continue;
        if (numbers.size >= maxStates) throw new TooManyStates(`more than ${maxStates} states`);
        reached.push({ state: next, number: numbers.size });
        numbers.set(key, numbers.size);
        parents.push(number);
        names.push(name);
      }
    }
    frontier = reached;
  }
  return { states: numbers.size, restingStates, violation: undefined };
}

function pathTo(number: number, parents: readonly number[], names: readonly string[]): string[] {
  const steps: string[] = [];
  for (let at = number; at > 0; at = parents[at] ?? 0) steps.unshift(names[at] ?? '');
  return steps;
}
