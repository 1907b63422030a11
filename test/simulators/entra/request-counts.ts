/** What the token endpoint was asked, as the control API shows it. */
export interface RequestCounts {
  readonly total: number;
  /** By what came of them: `issued`, an error's number such as `AADSTS7000215`, or a fault of the line. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Counts token requests, refused and failed ones too. */
export function createRequestCounter() {
  const outcomes = new Map<string, number>();

  return {
    count(outcome: string): void {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    },
    counts: (): RequestCounts => ({
      total: [...outcomes.values()].reduce((sum, count) => sum + count, 0),
      outcomes: Object.fromEntries(outcomes),
    }),
    reset(): void {
      outcomes.clear();
    },
  };
}
