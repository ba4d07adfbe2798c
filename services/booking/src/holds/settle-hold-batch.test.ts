import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { expireHolds } from '../bookings/expire-holds.ts';
import { NO_FEE } from '../pricing/platform-fee-rules.ts';
import { aCustomer, aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { newId, type EventId } from '@holdfast/shared/ids';
import { decideHolds } from './decide-holds.ts';
import type { HoldResult } from './settle-hold-batch.ts';

let booking: BookingFixture;
beforeAll(async () => {
  booking = await setupBooking();
});
afterAll(() => booking.stop());

const bodyOf = (result: HoldResult | undefined): BookingJson => {
  if (result?.kind !== 'answered') throw new Error(`refused: ${JSON.stringify(result)}`);
  return JSON.parse(result.answer.body) as BookingJson;
};
const refusalOf = (result: HoldResult | undefined) => (result?.kind === 'refused' ? result.refusal : null);

describe('seats', () => {
  test('a hold names its seats, its price and its expiry, and leaves one row of each kind', async () => {
    const event = await booking.seatEvent({ amount: 4500 });
    const before = await booking.footprint();
    const [result] = await booking.settle(aHold({ event_id: event, seats: ['A-1', 'A-2'] }));
    const held = bodyOf(result);
    expect(held).toMatchObject({
      status: 'HELD',
      inventory: 'seats',
      seats: ['A-1', 'A-2'],
      quantity: 2,
      event_id: event,
    });
    expect(held.price).toMatchObject({ amount: 9000, currency: 'EUR' });
    expect(held.reference).toMatch(/^BK\d{8}-[0-9A-Z]{6}$/);
    expect(Date.parse(held.hold_expires_at!) - Date.parse(held.server_now)).toBe(600_000);
    const after = await booking.footprint();
    expect(after).toEqual({
      ...before,
      bookings: before['bookings']! + 1,
      booking_history: before['booking_history']! + 1,
      seat_claims: before['seat_claims']! + 2,
      outbox: before['outbox']! + 1,
      idempotency_keys: before['idempotency_keys']! + 1,
    });
  });

  test('within one batch the first wins, the loser learns which seat is taken, and a neighbour is not taken down', async () => {
    const event = await booking.seatEvent();
    const [first, second, third] = await booking.settle(
      aHold({ event_id: event, seats: ['A-1', 'A-2'] }),
      aHold({ event_id: event, seats: ['A-2', 'A-3'] }),
      aHold({ event_id: event, seats: ['A-3'] }),
    );
    expect(bodyOf(first).seats).toEqual(['A-1', 'A-2']);
    expect(refusalOf(second)).toEqual({ code: 'seats_taken', seats: ['A-2'] });
    expect(bodyOf(third).seats).toEqual(['A-3']);
  });

  test('best seats are adjacent and never the taken ones', async () => {
    const event = await booking.seatEvent({ rows: [{ row: 'A', seats: 4 }] });
    await booking.settle(aHold({ event_id: event, seats: ['A-2'] }));
    const [pair, tooMany] = await booking.settle(
      aHold({ event_id: event, quantity: 2, category: 'standard' }),
      aHold({ event_id: event, quantity: 2 }),
    );
    expect(bodyOf(pair).seats).toEqual(['A-3', 'A-4']);
    expect(refusalOf(tooMany)).toEqual({ code: 'too_few_places', requested: 2, available: 1 });
  });

  test.each([
    ['an unknown seat', { seats: ['A-1', 'Z-1'] }, { code: 'unknown_seat', indexes: [1] }],
    ['a repeated seat', { seats: ['A-1', 'A-1'] }, { code: 'duplicate_seat', indexes: [1] }],
    [
      'too many',
      { seats: Array.from({ length: 11 }, (_, i) => `A-${i + 1}`) },
      { code: 'too_many_places', limit: 10, field: 'seats' },
    ],
    ['a category of nobody', { quantity: 1, category: 'royal' }, { code: 'unknown_category', known: ['standard'] }],
  ])('%s is refused and leaves nothing', async (_, part, refusal) => {
    const event = await booking.seatEvent();
    const before = await booking.footprint();
    const [result] = await booking.settle(aHold({ event_id: event, ...part }));
    expect(refusalOf(result)).toEqual(refusal);
    expect(await booking.footprint()).toEqual(before);
  });
});

describe('pools', () => {
  test('capacity is never passed and the loser learns what is left', async () => {
    const event = await booking.poolEvent({ capacity: 5 });
    const [three, four, two] = await booking.settle(
      aHold({ event_id: event, quantity: 3 }),
      aHold({ event_id: event, quantity: 4 }),
      aHold({ event_id: event, quantity: 2 }),
    );
    expect(bodyOf(three).quantity).toBe(3);
    expect(refusalOf(four)).toEqual({ code: 'too_few_places', requested: 4, available: 2 });
    expect(bodyOf(two).quantity).toBe(2);
  });

  test('numbered places are given in sequence, across batches', async () => {
    const event = await booking.poolEvent({ capacity: 6, numbered: true });
    const [first] = await booking.settle(aHold({ event_id: event, quantity: 2 }));
    const [second, third] = await booking.settle(
      aHold({ event_id: event, quantity: 1 }),
      aHold({ event_id: event, quantity: 3 }),
    );
    expect([bodyOf(first).seats, bodyOf(second).seats, bodyOf(third).seats]).toEqual([
      ['1', '2'],
      ['3'],
      ['4', '5', '6'],
    ]);
  });

  test('the counter with its constraint decides, whatever the code believes', async () => {
    const event = await booking.poolEvent({ capacity: 2 });
    await expect(booking.pool.query('update events set claimed = 3 where id = $1', [event])).rejects.toMatchObject({
      constraint: 'events_claimed_within_capacity',
    });
  });
});

describe('slots', () => {
  test('overlapping times of different lengths: one wins, neighbours touch freely', async () => {
    const resource = await booking.resource();
    const [first, overlapping, neighbour] = await booking.settle(
      aHold({ resource_id: resource, ...aSlot(2) }),
      aHold({ resource_id: resource, ...aSlot(2, 1) }),
      aHold({ resource_id: resource, ...aSlot(1, 2) }),
    );
    expect(bodyOf(first).price.amount).toBe(2400);
    expect(refusalOf(overlapping)).toMatchObject({ code: 'slots_taken' });
    expect(bodyOf(neighbour).status).toBe('HELD');
  });

  test('the exclusion constraint decides, whatever the code believes', async () => {
    const resource = await booking.resource();
    const [result] = await booking.settle(aHold({ resource_id: resource, ...aSlot(2) }));
    await expect(
      booking.pool.query(
        `insert into slot_claims (resource_id, during, booking_id, claimed_at)
         select resource_id, during, booking_id, claimed_at from slot_claims where booking_id = $1`,
        [bodyOf(result).id],
      ),
    ).rejects.toMatchObject({ constraint: 'slot_claims_never_overlap' });
  });
});

describe('keys and limits', () => {
  test('the same key in one batch and in a later one gives one booking and the same answer to the letter', async () => {
    const event = await booking.seatEvent();
    const caller = aCustomer();
    const hold = () => aHold({ event_id: event, seats: ['A-1'] }, { caller, key: 'key-1' });
    const [first, twin] = await booking.settle(hold(), hold());
    const [later] = await booking.settle(hold());
    if (first?.kind !== 'answered' || twin?.kind !== 'answered' || later?.kind !== 'answered')
      throw new Error('refused');
    expect([first.replayed, twin.replayed, later.replayed]).toEqual([false, true, true]);
    expect(twin.answer).toEqual(first.answer);
    expect(later.answer).toEqual(first.answer);
  });

  test('the same key with another body is refused, and another user may have it', async () => {
    const event = await booking.seatEvent();
    const caller = aCustomer();
    await booking.settle(aHold({ event_id: event, seats: ['A-1'] }, { caller, key: 'key-2' }));
    const [other, stranger] = await booking.settle(
      aHold({ event_id: event, seats: ['A-2'] }, { caller, key: 'key-2' }),
      aHold({ event_id: event, seats: ['A-2'] }, { key: 'key-2' }),
    );
    expect(refusalOf(other)).toEqual({ code: 'key_reused' });
    expect(bodyOf(stranger).seats).toEqual(['A-2']);
  });

  test('a refusal does not burn the key', async () => {
    const event = await booking.poolEvent({ capacity: 1 });
    const caller = aCustomer();
    const [winner] = await booking.settle(aHold({ event_id: event, quantity: 1 }));
    const [refused] = await booking.settle(aHold({ event_id: event, quantity: 1 }, { caller, key: 'key-3' }));
    expect(refusalOf(refused)).toMatchObject({ code: 'too_few_places' });
    await booking.database.advanceClock(601_000);
    const nobody = { changed: () => undefined };
    await expireHolds({ pool: booking.pool, watch: nobody, onCommit: () => undefined });
    await booking.database.setClockOffset(0);
    const [again] = await booking.settle(aHold({ event_id: event, quantity: 1 }, { caller, key: 'key-3' }));
    expect(bodyOf(again).id).not.toBe(bodyOf(winner).id);
  });

  test('the sixth hold of a user is refused, in one batch as in many', async () => {
    const event = await booking.poolEvent();
    const caller = aCustomer();
    const results = await booking.settle(
      ...Array.from({ length: 7 }, () => aHold({ event_id: event, quantity: 1 }, { caller })),
    );
    expect(results.map((result) => result.kind)).toEqual([...Array<string>(5).fill('answered'), 'refused', 'refused']);
    expect(refusalOf(results[5])).toEqual({ code: 'too_many_holds', limit: 5 });
  });
});

describe('of the house', () => {
  test('seats are not sold by label, and best-available leaves them alone', async () => {
    const event = await booking.seatEvent({ rows: [{ row: 'A', seats: 4 }] });
    await booking.pool.query("update events set house_blocks = '{A-1,A-2}' where id = $1", [event]);
    const [byLabel, best, tooMany] = await booking.settle(
      aHold({ event_id: event, seats: ['A-2', 'A-3'] }),
      aHold({ event_id: event, quantity: 2 }),
      aHold({ event_id: event, quantity: 1 }),
    );
    expect(refusalOf(byLabel)).toEqual({ code: 'seats_taken', seats: ['A-2'] });
    expect(bodyOf(best).seats).toEqual(['A-3', 'A-4']);
    expect(refusalOf(tooMany)).toEqual({ code: 'too_few_places', requested: 1, available: 0 });
  });
});

describe('sales', () => {
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
  const holdWith = async (opens: Date | null, closes: Date | null) => {
    const event = await booking.poolEvent();
    await booking.pool.query('update events set sales_open_at = $2, sales_close_at = $3 where id = $1', [
      event,
      opens,
      closes,
    ]);
    const [result] = await booking.settle(aHold({ event_id: event, quantity: 1 }));
    return result?.kind === 'answered' ? 'held' : refusalOf(result)?.code;
  };

  test.each([
    ['not begun', inHours(1), null, 'sales_not_open'],
    ['over', null, inHours(-1), 'sales_closed'],
    ['over for long', inHours(-2), inHours(-1), 'sales_closed'],
    ['under way', inHours(-1), inHours(1), 'held'],
    ['without a beginning', null, inHours(1), 'held'],
    ['without an end', inHours(-1), null, 'held'],
  ] as const)('that are %s', async (_what, opens, closes, outcome) => {
    expect(await holdWith(opens, closes)).toBe(outcome);
  });

  test('are open at the very instant of sales_open_at and closed at that of sales_close_at', () => {
    const command = aHold({ event_id: newId('evt'), quantity: 1 });
    if (command.request.kind !== 'quantity') throw new Error('not a quantity');
    const decide = (now: number) => {
      const id = (command.request as { eventId: EventId }).eventId;
      const event = {
        ...{
          id,
          name: 'x',
          venueName: 'y',
          timeZone: 'UTC',
          currency: 'EUR',
          refundPolicy: [],
          archived: false,
          lineDue: false,
        },
        ...{
          startsAt: new Date(9_000),
          endsAt: new Date(9_999),
          prices: new Map([['standard', 1n]]),
          pricing: 'list' as const,
          quoteFallback: 'refuse' as const,
          maxPerBooking: null,
        },
        ...{ cancelled: false, salesOpenAt: new Date(1_000), salesCloseAt: new Date(2_000) },
        inventory: { kind: 'pool' as const, capacity: 9, numbered: false, claimed: 0, placesGiven: 0, freePlaces: [] },
      };
      const [decision] = decideHolds(
        [command],
        {
          now: new Date(now),
          events: new Map([[id, event]]),
          resources: new Map(),
          liveHolds: new Map(),
          storedKeys: new Map(),
        },
        { holdsPerUser: 5, placesPerBooking: 10, fee: NO_FEE },
      );
      return decision?.kind === 'refused' ? decision.refusal.code : decision?.kind;
    };
    expect([999, 1_000, 1_999, 2_000].map(decide)).toEqual(['sales_not_open', 'granted', 'granted', 'sales_closed']);
  });
});
