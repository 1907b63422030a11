import { setTimeout as delay } from 'node:timers/promises';
import type { RunningStack } from '../running-stack.ts';
import { listDeliveries } from './webhooks.ts';

const POLL_MS = 100;

/** The longest of the row's clocks: a doubt (`claim-contacts.sql`). */
const PASS_SECONDS = 180;

/**
 * What the rows still have to do. `due`: now, so that somebody is about to ring. `moving`: clocks of ours
 * that are still running. `expiring`: writes that wait for a consent to end within the hour.
 */
const OPEN = `
  with clocks as (
    select least(c.read_due_at, c.write_due_at, c.doubt_until, c.lease_until) as next_at,
      -- Without a lease the comparison is null, and with it all that it is part of.
      c.read_due_at is not null or c.doubt_until is not null or coalesce(c.lease_until > now(), false)
        or (c.write_due_at is not null and not ${isExpiry('c')}) as moving,
      coalesce(c.write_due_at < now() + interval '1 hour', false) as expiring
    from dynamics_contacts c
  )
  select clock_timestamp()::text as now,
    count(*) filter (where (moving or expiring) and next_at <= now())::int as due,
    count(*) filter (where moving)::int as moving,
    count(*) filter (where expiring and not moving)::int as expiring
  from clocks`;

/**
 * As if so much time had gone by without anybody doing anything: all clocks of the rows end so much
 * earlier, but for those that wait for the end of a consent, whose time is ConsentHub's. Only of rows that
 * nobody has touched since everything was found at rest: no writer is at work on them and none of their
 * writes is on its way, so nothing can come too late that could not have come too late in real time.
 */
const PASS = `
  update dynamics_contacts c
  set read_due_at = read_due_at - make_interval(secs => $1),
    write_due_at = case
      when ${isExpiry('c')} then write_due_at
      else write_due_at - make_interval(secs => $1)
    end,
    doubt_until = doubt_until - make_interval(secs => $1),
    lease_until = lease_until - make_interval(secs => $1)
  where updated_at < $2::timestamptz`;

function isExpiry(row: string): string {
  return `exists (
    select 1 from consents k
    where k.patient_id = ${row}.patient_id and k.expires_at = ${row}.write_due_at
  )`;
}

interface Open {
  readonly now: string;
  readonly due: number;
  readonly moving: number;
  readonly expiring: number;
}

/** Rings like the schedule, without its minute in between, until told to stop. */
export async function sweepAgainAndAgain(it: RunningStack, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await it.invoke('sweep');
    await delay(POLL_MS);
  }
}

/**
 * Waits until nothing is left to do: no webhook and no message under way, no function at work, no clock
 * running. Returns the seconds that were passed over while only clocks were left.
 *
 * @throws Error after `patienceMs`, with what is left
 */
export async function untilSettled(it: RunningStack, patienceMs: number): Promise<number> {
  const deadline = performance.now() + patienceMs;
  let passedSeconds = 0;
  for (;;) {
    const [row] = await it.sql<Open>(OPEN);
    if (row === undefined) throw new Error('the database did not tell what is open');
    const { now, due, moving, expiring } = row;
    const underWay = await countUnderWay(it);
    const resting = Object.values(underWay).every((count) => count === 0);
    if (resting && moving + expiring === 0) return passedSeconds;
    if (resting && due === 0 && moving > 0) {
      await it.sql(PASS, [PASS_SECONDS, now]);
      passedSeconds += PASS_SECONDS;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `still not settled: ${JSON.stringify({ ...underWay, due, moving, expiring })}`,
      );
    }
    await delay(POLL_MS);
  }
}

async function countUnderWay(it: RunningStack): Promise<Record<string, number>> {
  const { contactQueueUrl, consentQueueUrl } = it.details;
  const [{ pending: webhooks }, contactMessages, consentMessages] = await Promise.all([
    listDeliveries(it),
    it.messagesIn(contactQueueUrl),
    it.messagesIn(consentQueueUrl),
  ]);
  // The sweep rings and writes no contact. Counted last: a message is in the queue until it is done.
  const atWork = it.stack.cloud.functions
    .filter(({ definition }) => definition.title !== 'sweep')
    .flatMap((entry) => entry.busyProcessIds()).length;
  return { webhooks, contactMessages, consentMessages, atWork };
}
