import { randomUUID } from 'node:crypto';
import type { ScheduledEvent } from 'aws-lambda';

/** The event that EventBridge makes when a scheduled rule is due ("Scheduled events" of its guide). */
export function scheduledEvent(ruleArn: string, time: Date): ScheduledEvent<Record<string, never>> {
  const [, , , region = '', account = ''] = ruleArn.split(':');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account,
    // EventBridge leaves the milliseconds out.
    time: time.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: [ruleArn],
    detail: {},
  };
}
