import { describe, expect, test } from '@jest/globals';
import { eventsFor, SEATS, seatOf } from './seats.ts';

describe('seats of a round', () => {
  test('are all different, and all of every hall', () => {
    const seen = new Set(
      Array.from({ length: 2 * SEATS }, (_, n) => {
        const { event, seat } = seatOf(n, 2);
        return `${event} ${seat}`;
      }),
    );
    expect(seen.size).toBe(2 * SEATS);
    expect([...seen].every((seat) => /^[01] R\d\d-([1-9]\d?|100)$/.test(seat))).toBe(true);
  });

  test('one more than there are is an error and not a seat that is taken', () => {
    expect(() => seatOf(2 * SEATS, 2)).toThrow('sold out');
  });

  test('suffice for 15,000 holds a second', () => {
    expect(eventsFor(10) * SEATS).toBeGreaterThanOrEqual(150_000);
    expect(eventsFor(1)).toBe(4);
  });
});
