/** A rule that can be turned off and on while the stack runs. */
export interface ManagedRule {
  readonly name: string;
  readonly arn: string;
  /** `rate(1 minute)` */
  readonly expression: string;
  readonly enabled: () => boolean;
  enable(): void;
  disable(): void;
}

/** @param start lets its schedules run until they are disposed of */
export function manageRule(
  { arn, expression }: { readonly arn: string; readonly expression: string },
  start: () => readonly Disposable[],
): ManagedRule {
  let schedules: readonly Disposable[] | undefined;
  return {
    // arn:aws:events:region:account:rule/name
    name: arn.slice(arn.lastIndexOf('/') + 1),
    arn,
    expression,
    enabled: () => schedules !== undefined,
    enable() {
      schedules ??= start();
    },
    disable() {
      for (const schedule of schedules ?? []) schedule[Symbol.dispose]();
      schedules = undefined;
    },
  };
}
