import type { QueueDepth } from '../queue-depths.ts';
import type { Switch } from '../switches.ts';
import type { ConnectionStatus } from './invoke-status.ts';
import type { Pause } from './pause.ts';

/**
 * For whoever sits before it.
 *
 * @param pause who turned off what is off; undefined if nobody has said so, or that cannot be found out
 */
export function statusAsText(
  status: ConnectionStatus,
  depths: readonly QueueDepth[],
  switches: readonly Switch[],
  pause: Pause | undefined,
): string {
  const { organization, latencyMs } = status;
  const latency = latencyMs === null ? '' : `, answers within ${latencyMs} ms`;
  const organizationName = organization.name ?? organization.id ?? 'unknown';
  const off = switches.filter(({ on }) => !on);
  return [
    ...(off.length === 0 ? [] : offAsText(off, off.length === switches.length, pause)),
    `Connection: ${status.status}, as of ${status.checkedAt}`,
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
    ...status.problems.flatMap(({ code, message, remedy }) => ['', `${code}: ${message}`, remedy]),
  ].join('\n');
}

/** What is turned off comes first: nothing else explains as much. */
function offAsText(
  off: readonly Switch[],
  everything: boolean,
  pause: Pause | undefined,
): readonly string[] {
  const what = everything
    ? 'PAUSED: consumers and schedules are turned off'
    : `TURNED OFF: ${off.map(({ name, kind }) => `the ${kind} of ${name}`).join(', ')}`;
  const who =
    pause === undefined
      ? '. It is not on record who did it: see CloudTrail.'
      : ` since ${pause.at}, by ${pause.operator}.`;
  return [`${what}${who}`, 'On again: npm run ops -- resume', ''];
}
