import type { Action } from './action.ts';
import type { PlanItem } from './plan.ts';

const WORDS: Readonly<Record<Action, string>> = {
  create: 'create',
  change: 'change',
  keep: 'keep',
  stop: 'STOP',
};

/** A line of a plan, for people. */
export function itemAsText({ action, part, name, detail }: PlanItem): string {
  const line = `${WORDS[action].padEnd(6)}  ${part} ${name}`;
  return detail === undefined ? line : `${line}: ${detail}`;
}

/** How many items come to what. */
export function planSummary(plan: readonly PlanItem[]): Readonly<Record<Action, number>> {
  const count = (wanted: Action): number => plan.filter(({ action }) => action === wanted).length;
  return {
    create: count('create'),
    change: count('change'),
    keep: count('keep'),
    stop: count('stop'),
  };
}

/** The whole plan, for people. */
export function planAsText(organization: string, plan: readonly PlanItem[]): string {
  const { create, change, stop } = planSummary(plan);
  const lines = plan.map((item) => `  ${itemAsText(item)}`);
  return [`Plan for ${organization}:`, '', ...lines, '', verdict(create + change, stop)].join('\n');
}

function verdict(todo: number, stop: number): string {
  if (stop > 0) return 'Nothing was changed: mend what it stops at, and run this again.';
  return todo === 0 ? 'Nothing to do: everything is there.' : `${todo} to do.`;
}
