import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The metric that the functions emit for each event, in milliseconds, by direction. */
const METRIC = 'SyncLatency';

export interface Latency {
  /** `inbound`: Dynamics to ConsentHub; `outbound`: back. */
  readonly direction: string;
  readonly count: number;
  /** Milliseconds that 50, 95 and 99 of a hundred events stayed within. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/**
 * Latencies by direction, from the metrics in the functions' logs (one file a function, begun anew at
 * each start). A direction without an event is left out.
 */
export async function readLatencies(logDirectory: string): Promise<Latency[]> {
  const durations = new Map<string, number[]>();
  const logs = readdirSync(logDirectory).filter((name) => name.endsWith('.log'));
  for (const log of logs) {
    const input = createReadStream(join(logDirectory, log), 'utf8');
    for await (const line of createInterface({ input })) {
      for (const { direction, ms } of measurementsIn(line)) {
        const values = durations.get(direction);
        if (values === undefined) durations.set(direction, [ms]);
        else values.push(ms);
      }
    }
  }
  return [...durations]
    .toSorted(([left], [right]) => left.localeCompare(right))
    .map(([direction, values]) => summarize(direction, values));
}

/** The measurements in one line of a log, if it is one of the embedded metric format. */
export function measurementsIn(line: string): { direction: string; ms: number }[] {
  // Most lines are something else: not worth parsing.
  if (!line.includes(`"${METRIC}"`)) return [];
  const record = parse(line);
  if (record?.['_aws'] === undefined) return [];
  const { direction } = record;
  const values = [record[METRIC]].flat();
  if (typeof direction !== 'string') return [];
  return values.filter((ms) => typeof ms === 'number').map((ms) => ({ direction, ms }));
}

/** @param values at least one. */
export function summarize(direction: string, values: readonly number[]): Latency {
  const sorted = values.toSorted((left, right) => left - right);
  /** Nearest rank: a value that was measured, never one in between. */
  const percentile = (percent: number): number =>
    Math.round(sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? 0);
  return {
    direction,
    count: sorted.length,
    p50Ms: percentile(50),
    p95Ms: percentile(95),
    p99Ms: percentile(99),
  };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    // A function that was killed may have left half a line.
    return undefined;
  }
}
