import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildHallLayout } from '../inventory/hall-layout.ts';
import { countMembers, seatMembers } from './availability-body.ts';
import { BodyCache } from './body-cache.ts';

const layout = buildHallLayout([
  { row: 'A', seats: 12, category: 'premium', accessible: [1] },
  { row: 'B', seats: 8, category: 'standard', accessible: [] },
]);

test('what is written by hand reads like what JSON.stringify would have written', () => {
  const labels = layout.seats.map((seat) => seat.label);
  fc.assert(
    fc.property(fc.subarray(labels), fc.subarray(labels), fc.constantFrom('all', 'taken'), (some, others, view) => {
      const locked = some.filter((label) => !others.includes(label));
      const status = (label: string) =>
        others.includes(label) ? 'BOOKED' : locked.includes(label) ? 'LOCKED' : 'AVAILABLE';
      const seats = layout.seats
        .map(({ label, row, number, category }) => ({ label, row, number, category, status: status(label) }))
        .filter((seat) => view === 'all' || seat.status !== 'AVAILABLE');
      const available = labels.length - locked.length - others.length;
      const counts = { available, locked: locked.length, booked: others.length };
      expect(`{${seatMembers(layout, locked, others, view)}}`).toBe(JSON.stringify({ counts, seats }));
      expect(`{${countMembers(counts)}}`).toBe(JSON.stringify({ counts }));
    }),
  );
});

test('the cache gives no body that is older than asked for, and lets the oldest go when it is full', () => {
  const cache = new BodyCache(10);
  cache.set('a', { version: 1n, bytes: Buffer.alloc(4) });
  expect(cache.get('a', 1n)?.version).toBe(1n);
  expect(cache.get('a', 2n)).toBeUndefined();
  cache.set('b', { version: 1n, bytes: Buffer.alloc(4) });
  cache.set('a', { version: 2n, bytes: Buffer.alloc(4) });
  cache.set('c', { version: 1n, bytes: Buffer.alloc(4) });
  expect([cache.get('b', 1n), cache.get('a', 2n)?.version, cache.get('c', 1n)?.version]).toEqual([undefined, 2n, 1n]);
});
