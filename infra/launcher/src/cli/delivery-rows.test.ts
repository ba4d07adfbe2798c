import { expect, test } from '@jest/globals';
import type { ConsumerStateJson, OutboxStateJson } from '@holdfast/shared/contracts/delivery-state';
import { consumerRows, outboxRows } from './delivery-rows.ts';

const AS_OF = '2027-01-04T18:00:00.000Z';
const listOf = <T>(data: T[]) => ({
  ...{ object: 'list' as const, data, has_more: false as const, next_cursor: null, unreachable: [], as_of: AS_OF },
});
const outbox = (expiresAt: string | null, age: number | null): OutboxStateJson => ({
  ...{ service: 'booking', depth: 3, oldest_at: null, oldest_age_seconds: age, scheduled: 1, unconfirmed: 2 },
  ...{ oldest_unconfirmed_at: null, families: [], relay: { holder: 'me', epoch: 4, expires_at: expiresAt } },
});

test.each([
  ['2027-01-04T18:00:01.000Z', 'me'],
  [AS_OF, 'nobody'],
  [null, 'nobody'],
])('with a lease until %s %s publishes', (expiresAt, holder) => {
  expect(outboxRows(listOf([outbox(expiresAt, null)]))).toEqual([['booking', '3', '-', '1', '2', holder]]);
});

test.each([
  [0.25, '0.3 s'],
  [60, '1 min'],
  [7_300, '2 h'],
  [200_000, '2 d'],
])('an age of %s s reads %s', (age, text) => {
  expect(outboxRows(listOf([outbox(null, age)]))[0]![2]).toBe(text);
});

test('what only the broker knows is a question mark without it', () => {
  const consumer: ConsumerStateJson = {
    ...{ service: 'booking', consumer: 'booking-payment', stream: 'PAYMENT', family: 'payment', broker: null },
    ...{ parked: 1, oldest_parked_at: null, failing: 2, dead_letters: 3, last_effect_at: null },
  };
  expect(consumerRows(listOf([consumer]))).toEqual([['booking-payment', '?', '?', '?', '?', '1', '2', '3']]);
});
