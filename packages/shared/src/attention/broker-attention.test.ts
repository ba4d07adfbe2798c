import { expect, test } from '@jest/globals';
import type { BrokerState } from '../bus/bus.ts';
import { brokerAttention, brokerItems } from './broker-attention.ts';

const now = new Date('2027-01-04T10:00:00Z');
const state = (over: Partial<BrokerState>): BrokerState => ({
  streams: [],
  storage: { usedBytes: 1_000, limitBytes: null },
  advisories: { count: 0, firstAt: null },
  ...over,
});
const kinds = (of: BrokerState) => brokerItems(of, now).map(({ kind }) => kind);

test('a broker that is three quarters full is an item, by its own limit or by that of our configurations', () => {
  expect(kinds(state({}))).toEqual([]);
  expect(kinds(state({ storage: { usedBytes: 74, limitBytes: 100 } }))).toEqual([]);
  expect(kinds(state({ storage: { usedBytes: 75, limitBytes: 100 } }))).toEqual(['broker_full']);
  expect(kinds(state({ storage: { usedBytes: 11.9e9, limitBytes: null } }))).toEqual([]);
  const [item] = brokerItems(state({ storage: { usedBytes: 12e9, limitBytes: null } }), now);
  expect(item).toMatchObject({ kind: 'broker_full', since: now, detail: 'JetStream has 75 % of its 16.0 GB in use' });
});

test('messages that the broker gave up are an item since the first of them', () => {
  const firstAt = new Date('2027-01-03T08:00:00Z');
  expect(brokerItems(state({ advisories: { count: 3, firstAt } }), now)).toEqual([
    expect.objectContaining({ kind: 'broker_advisory', since: firstAt, detail: expect.stringContaining('gave up 3') }),
  ]);
});

test('without a broker there is nothing to tell: what waits for it is told by those whose messages wait', async () => {
  expect(await brokerAttention('gateway', null)).toEqual({ items: [], counts: {} });
});
