import type { QueueDepth } from '../queue-depths.ts';
import type { ConnectionStatus } from './invoke-status.ts';

/** For whoever sits before it. */
export function statusAsText(status: ConnectionStatus, depths: readonly QueueDepth[]): string {
  const { organization, latencyMs } = status;
  const latency = latencyMs === null ? '' : `, answers within ${latencyMs} ms`;
  const name = organization.name ?? organization.id ?? 'unknown';
  return [
    `Connection: ${status.status}`,
    `Organisation: ${name}${latency}`,
    '',
    ...Object.entries(status.sync).map(([direction, { due, oldestSeconds, lastSuccessAt }]) => {
      const oldest = oldestSeconds === null ? '' : `, the oldest for ${oldestSeconds} s`;
      return `${direction}: ${due ?? 'unknown'} due${oldest}, last success ${lastSuccessAt ?? 'none'}`;
    }),
    '',
    ...depths.map(
      ({ queue, waiting, delayed, inFlight, deadLetters }) =>
        `${queue}: ${waiting} waiting, ${delayed} delayed, ${inFlight} in flight, ${deadLetters} dead`,
    ),
    ...status.problems.flatMap(({ code, message, remedy }) => ['', `${code}: ${message}`, remedy]),
  ].join('\n');
}
