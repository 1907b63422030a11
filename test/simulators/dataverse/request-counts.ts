/** What the Web API was asked, as the control API shows it. */
export interface RequestCounts {
  readonly total: number;
  /** By operation; `Unknown` for what is no operation. */
  readonly operations: Readonly<Record<string, number>>;
  /** By HTTP status; `none` where the line failed. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** Counts requests of the Web API, failed ones too. */
export function createRequestCounter() {
  const operations = new Map<string, number>();
  const statuses = new Map<string, number>();
  let total = 0;

  return {
    request(operation: string | undefined): void {
      total += 1;
      increment(operations, operation ?? 'Unknown');
    },
    answer(status: number | undefined): void {
      increment(statuses, status === undefined ? 'none' : String(status));
    },
    counts: (): RequestCounts => ({
      total,
      operations: Object.fromEntries(operations),
      statuses: Object.fromEntries(statuses),
    }),
    reset(): void {
      operations.clear();
      statuses.clear();
      total = 0;
    },
  };
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
