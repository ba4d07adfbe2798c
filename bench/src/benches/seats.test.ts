import { describe, expect, test } from '@jest/globals';
import { CONTESTED_SEATS, contestedSeat, eventsFor, SEATS, seatOf } from './seats.ts';

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

test('each of the seats that everybody wants is wanted so many times in a row, once around', () => {
  const wanted = Array.from({ length: 3 * CONTESTED_SEATS }, (_, n) => contestedSeat(n, 3).seat);
  expect(new Set(wanted).size).toBe(CONTESTED_SEATS);
  expect(wanted.slice(0, 4)).toEqual(['R00-1', 'R00-1', 'R00-1', 'R00-2']);
});
