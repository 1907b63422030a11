import { expect, test } from 'vitest';
import {
  decidePause,
  OUTAGE_FAILURES,
  refusedSeconds,
} from '../../../shared/dataverse/decide-pause.ts';
import {
  ConnectionPaused,
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  TokenRefused,
  TokenUnavailable,
  type UnavailableDetails,
} from '../../../shared/dataverse/errors.ts';

const unavailable = (details: Omit<UnavailableDetails, 'outcomeUnknown'>) =>
  new DataverseUnavailable({ ...details, outcomeUnknown: false });

const throttled = (seconds?: number) =>
  unavailable({ reason: 'throttled', status: 429, retryAfterSeconds: seconds });
const busy = (seconds?: number) =>
  unavailable({ reason: 'server-error', status: 503, retryAfterSeconds: seconds });

test.each([
  ['429 with Retry-After', throttled(20), 1, { reason: 'throttled', seconds: 20 }],
  ['429 without', throttled(), 1, { reason: 'throttled', seconds: 5 }],
  ['503 with Retry-After', busy(30), 1, { reason: 'server-error', seconds: 30 }],
  ['503 without', busy(), 1, undefined],
  ['a time-out', unavailable({ reason: 'timeout' }), OUTAGE_FAILURES - 1, undefined],
  [
    'one time-out of many',
    unavailable({ reason: 'timeout' }),
    OUTAGE_FAILURES,
    { reason: 'server-error', seconds: 2 },
  ],
  [
    'one reset of many',
    unavailable({ reason: 'network' }),
    OUTAGE_FAILURES,
    { reason: 'server-error', seconds: 2 },
  ],
  ['one 503 of many', busy(), OUTAGE_FAILURES, { reason: 'server-error', seconds: 2 }],
  ['a pause', new ConnectionPaused('throttled', 20), OUTAGE_FAILURES, undefined],
  [
    'Entra ID throttling',
    new TokenUnavailable({ reason: 'throttled', retryAfterSeconds: 20 }),
    OUTAGE_FAILURES,
    undefined,
  ],
  ['Entra ID refusing', new TokenRefused([7000215]), 0, undefined],
  ['403', new DataverseForbidden('0x80040220'), OUTAGE_FAILURES, undefined],
  ['400', new DataverseRejected(400, '0x80060888'), OUTAGE_FAILURES, undefined],
  ['the application user refused, which is counted', new DataverseUnauthorized(), 0, undefined],
  ['a defect', new TypeError('a defect'), OUTAGE_FAILURES, undefined],
])('%s', (_what, error, failing, expected) => {
  expect(decidePause(error, failing)).toEqual(expected);
});

test.each([
  [1, 5],
  [2, 20],
  [3, 60],
  [1000, 60],
])('an application user that is refused for the %ith time', (refusals, seconds) => {
  expect(refusedSeconds(refusals)).toBe(seconds);
});
