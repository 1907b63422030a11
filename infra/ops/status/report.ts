import type { QueueDepth } from '../queue-depths.ts';
import type { Switch } from '../switches.ts';
import type { ConnectionStatus } from './invoke-status.ts';

/** For whoever sits before it. */
export function statusAsText(
  status: ConnectionStatus,
  depths: readonly QueueDepth[],
  switches: readonly Switch[],
): string {
  const { organization, latencyMs } = status;
  const latency = latencyMs === null ? '' : `, answers within ${latencyMs} ms`;
  const organizationName = organization.name ?? organization.id ?? 'unknown';
  return [
    `Connection: ${status.status}`,
    `Organisation: ${organizationName}${latency}`,
    '',
    ...Object.entries(status.sync).map(([direction, { due, oldestSeconds, lastSuccessAt }]) => {
      const oldest = oldestSeconds === null ? '' : `, the oldest for ${oldestSeconds} s`;
      return `${direction}: ${due ?? 'unknown'} due${oldest}, last success ${lastSuccessAt ?? (due === null ? 'unknown' : 'none')}`;
    }),
    '',
    ...depths.map(
      ({ queue, waiting, delayed, inFlight, deadLetters }) =>
        `${queue}: ${waiting} waiting, ${delayed} delayed, ${inFlight} in flight, ${deadLetters} dead`,
    ),
    ...switches.flatMap(({ name, kind, on }) =>
      on ? [] : ['', `The ${kind} of ${name} is turned off. On again: npm run ops -- resume`],
    ),
    ...status.problems.flatMap(({ code, message, remedy }) => ['', `${code}: ${message}`, remedy]),
  ].join('\n');
}
