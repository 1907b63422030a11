import { beforeEach, describe, expect, it } from 'vitest';
import {
  createServiceProtection,
  defaultLimits,
  type ServiceProtection,
} from '../../simulators/dataverse/limits/service-protection.ts';

const START_MS = Date.UTC(2026, 10, 22, 10);
const SINGLE_UPDATE_MS = 150;

let nowMs: number;
let protection: ServiceProtection;

beforeEach(() => {
  nowMs = START_MS;
  protection = createServiceProtection(() => nowMs);
});

/** One request after another; the refusal of the last one. */
function send(count: number, executionMs = 0) {
  let refusal: ReturnType<ServiceProtection['begin']>;
  for (let sent = 0; sent < count; sent += 1) {
    refusal = protection.begin(executionMs);
    protection.end();
  }
  return refusal;
}

describe('service protection limits', () => {
  it('let 6,000 requests pass in 300 s and refuse the next one', () => {
    expect(send(6000)).toBeUndefined();
    expect(protection.remaining().requests).toBe(0);
    expect(send(1)).toMatchObject({
      status: 429,
      code: '0x80072322',
      message: 'Number of requests exceeded the limit of 6000 over time window of 300 seconds.',
      retryAfterSeconds: 300,
    });
  });

  it('slide: who waits as long as asked for gets through', () => {
    send(3000);
    nowMs += 100_000;
    send(3000);
    nowMs += 50_000;
    const refusal = send(1);
    expect(refusal?.retryAfterSeconds).toBe(150);
    nowMs += 149_000;
    expect(send(1)).toBeDefined();
    nowMs += 1000;
    expect(send(1)).toBeUndefined();
  });

  it('make who goes on regardless wait longer', () => {
    send(1);
    nowMs += 100_000;
    send(5999);
    // One request leaves the window in 200 s: enough for a client that tries once, and then waits.
    expect(send(1)?.retryAfterSeconds).toBe(300);
    nowMs += 250_000;
    expect(send(5000)?.retryAfterSeconds).toBe(50);
    nowMs += 40_000;
    expect(send(1500)?.retryAfterSeconds).toBe(260);
  });

  it('bound the execution time, which batches do not save', () => {
    const updates = defaultLimits.executionMs / SINGLE_UPDATE_MS;
    // In fewer requests than the first limit allows, each of them a batch.
    expect(send(updates / 10 + 1, 10 * SINGLE_UPDATE_MS)).toBeUndefined();
    expect(send(1, 10 * SINGLE_UPDATE_MS)).toMatchObject({
      status: 429,
      code: '0x80072321',
      retryAfterSeconds: 300,
      message: expect.stringContaining('exceeded limit of 1,200,000 milliseconds'),
    });
    nowMs += 300_000;
    expect(send(1, SINGLE_UPDATE_MS)).toBeUndefined();
  });

  it('allow 52 requests at a time', () => {
    for (let open = 0; open < 52; open += 1) expect(protection.begin(0)).toBeUndefined();
    expect(protection.begin(0)).toMatchObject({
      status: 429,
      code: '0x80072326',
      message: 'Number of concurrent requests exceeded the limit of 52.',
    });
    protection.end();
    protection.end();
    expect(protection.begin(0)).toBeUndefined();
  });
});
