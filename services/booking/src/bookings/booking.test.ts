import { describe, expect, test } from '@jest/globals';
import { BOOKING_STATUSES, type BookingStatus } from '@holdfast/shared/contracts/bookings';
import fc from 'fast-check';
import {
  TRANSITIONS,
  checkTransition,
  expiryWithPayment,
  firstExpiry,
  offerExpiry,
  holdsInventory,
  isTerminal,
} from './booking.ts';

const status = fc.constantFrom(...BOOKING_STATUSES);
const facts = fc.record({ pinned: fc.boolean(), price: fc.bigInt({ min: 0n, max: 1_000_000n }) });

describe('the state machine', () => {
  test('a transition is allowed if and only if the table of product.md has it and its condition holds', () => {
    fc.assert(
      fc.property(status, status, facts, (from, to, given) => {
        const verdict = checkTransition(from, to, given);
        const conditions =
          !(from === 'PAYMENT_INITIATED' && given.pinned && ['CANCELLED', 'EXPIRED'].includes(to)) &&
          !(from === 'HELD' && to === 'PAID' && given.price !== 0n);
        expect(verdict.ok).toBe(TRANSITIONS[from].includes(to) && conditions);
      }),
    );
  });

  test('every walk ends: no state but the terminal ones is without a way out, and REFUNDED and COMPLETED are the end', () => {
    const terminal = BOOKING_STATUSES.filter(isTerminal);
    expect(terminal).toEqual(['COMPLETED', 'REFUNDED']);
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), (choices) => {
        let at: BookingStatus = 'PENDING';
        for (const choice of choices) {
          const ways: readonly BookingStatus[] = TRANSITIONS[at];
          if (ways.length === 0) return;
          at = ways[choice % ways.length]!;
        }
      }),
    );
  });

  test('money that was taken never leads to a state from which it cannot be given back or kept', () => {
    // From PAID on, each way ends in a state that stands (COMPLETED) or that can be refunded.
    const reachable = new Set<BookingStatus>(['PAID']);
    for (const from of reachable) for (const to of TRANSITIONS[from]) reachable.add(to);
    for (const state of reachable) {
      const end = isTerminal(state) || TRANSITIONS[state].length > 0;
      expect(end).toBe(true);
      if (['CANCELLED', 'FAILED', 'EXPIRED'].includes(state)) expect(TRANSITIONS[state]).toContain('REFUNDED');
    }
  });

  test('only a live state holds inventory', () => {
    expect(BOOKING_STATUSES.filter(holdsInventory)).toEqual([
      'HELD',
      'PAYMENT_INITIATED',
      'PAID',
      'CONFIRMED',
      'CHECKED_IN',
    ]);
  });
});

describe('the length of a hold', () => {
  const times = fc.record({
    holdSeconds: fc.integer({ min: 1, max: 3_600 }),
    paymentExtensionSeconds: fc.integer({ min: 1, max: 3_600 }),
    holdMaxSeconds: fc.integer({ min: 1, max: 7_200 }),
    offerSeconds: fc.integer({ min: 1, max: 7_200 }),
  });

  test('never passes the maximum from creation and never becomes shorter by paying', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 3 }), (given, attempt) => {
        const createdAt = new Date('2027-01-04T12:00:00Z');
        const first = firstExpiry(createdAt, given);
        const paid = expiryWithPayment({ createdAt, holdExpiresAt: first, attempt }, given);
        const limit = createdAt.getTime() + given.holdMaxSeconds * 1000;
        expect(first.getTime()).toBeLessThanOrEqual(limit);
        expect(paid.getTime()).toBeLessThanOrEqual(limit);
        expect(paid.getTime()).toBeGreaterThanOrEqual(first.getTime());
      }),
    );
  });

  test('of an offer is its own, and ends with the start where that leaves as much as an ordinary hold', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -7_200, max: 14_400 }), (given, startsIn) => {
        const now = new Date('2027-01-04T12:00:00Z');
        const seconds =
          (offerExpiry(now, new Date(now.getTime() + startsIn * 1000), given).getTime() - now.getTime()) / 1000;
        const ordinary = Math.min(given.holdSeconds, given.holdMaxSeconds);
        expect(seconds).toBe(Math.min(given.offerSeconds, Math.max(startsIn, ordinary)));
      }),
    );
  });

  test('of an offer that outlasts the maximum is extended in full by its first payment attempt', () => {
    const given = { holdSeconds: 600, paymentExtensionSeconds: 900, holdMaxSeconds: 1800, offerSeconds: 3600 };
    const joined = new Date('2027-01-01T12:00:00Z');
    const offer = { createdAt: joined, holdExpiresAt: new Date('2027-01-04T13:00:00Z') };
    expect(expiryWithPayment({ ...offer, attempt: 1 }, given).toISOString()).toBe('2027-01-04T13:15:00.000Z');
    expect(expiryWithPayment({ ...offer, attempt: 2 }, given)).toEqual(offer.holdExpiresAt);
  });

  test('is extended at the first payment attempt only', () => {
    const given = { holdSeconds: 600, paymentExtensionSeconds: 900, holdMaxSeconds: 1800, offerSeconds: 3600 };
    const createdAt = new Date('2027-01-04T12:00:00Z');
    const held = { createdAt, holdExpiresAt: firstExpiry(createdAt, given) };
    expect(expiryWithPayment({ ...held, attempt: 1 }, given).toISOString()).toBe('2027-01-04T12:25:00.000Z');
    expect(expiryWithPayment({ ...held, attempt: 2 }, given)).toEqual(held.holdExpiresAt);
  });
});
