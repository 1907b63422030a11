import { expect, test } from 'vitest';
import {
  DATAVERSE_CONCURRENT_REQUESTS,
  DATAVERSE_SHARES,
  fleetRequests,
} from '../../../infra/dataverse-concurrency.ts';

test('the whole fleet stays below what Dataverse takes at a time', () => {
  expect(fleetRequests(DATAVERSE_SHARES)).toBeLessThan(DATAVERSE_CONCURRENT_REQUESTS);
});

test('administrators who test the connection find room', () => {
  expect(DATAVERSE_CONCURRENT_REQUESTS - fleetRequests(DATAVERSE_SHARES)).toBeGreaterThan(5);
});

test('a share that would reach the limit stops the synthesis and says where it is', () => {
  const greedy = {
    ...DATAVERSE_SHARES,
    'another-function': { containers: 8, parallelRequests: 4 },
  };
  expect(() => fleetRequests(greedy)).toThrow(/52\. Lower a share in infra\/dataverse-concurrency/);
});
