import * as z from 'zod';
import type { Sample } from './metric.ts';

/** "Specification: Embedded metric format" (CloudWatch user guide). */
const metadata = z.object({
  Timestamp: z.number(),
  CloudWatchMetrics: z.array(
    z.object({
      Namespace: z.string(),
      Dimensions: z.array(z.array(z.string())),
      Metrics: z.array(z.object({ Name: z.string() })),
    }),
  ),
});

const value = z.union([z.number().transform((one) => [one]), z.array(z.number())]);

/**
 * The measurements in one line of a function's log, as CloudWatch Logs would find them. A line that is
 * none, or that names a value it does not have, says nothing.
 */
export function samplesIn(line: string): Sample[] {
  // Most lines are something else: not worth parsing.
  if (!line.includes('"CloudWatchMetrics"')) return [];
  const fields = parse(line);
  const found = metadata.safeParse(fields['_aws']);
  if (!found.success) return [];
  const { Timestamp: atMs, CloudWatchMetrics: directives } = found.data;
  return directives.flatMap(({ Namespace: namespace, Dimensions: sets, Metrics: metrics }) =>
    sets.flatMap((names) => {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(fields[name])]));
      return metrics.flatMap(({ Name: name }) => {
        const values = value.safeParse(fields[name]);
        if (!values.success) return [];
        return [{ metric: { namespace, name, dimensions }, atMs, values: values.data }];
      });
    }),
  );
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    // A function that was killed may have left half a line.
    return {};
  }
}
