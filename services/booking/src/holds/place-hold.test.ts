import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { BookingId, EventId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { readHistory } from '../bookings/booking-store.ts';
import type { PlatformFee } from '../pricing/platform-fee-rules.ts';
import type { AskQuoteDeps } from '../quotes/ask-quote.ts';
import { aHold, HOLD_LIMITS, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { priced, startTestQuoter, type TestQuoter } from '../testing/test-quoter.ts';
import { HoldBatcher } from './hold-batcher.ts';
import type { HoldCommand } from './hold-command.ts';
import { placeHold, type PlacedHold } from './place-hold.ts';
import { settleHoldBatch } from './settle-hold-batch.ts';

const FEE: PlatformFee = { basisPoints: 250, perBooking: new Map([['EUR', 50n]]), perPlace: new Map() };

let booking: BookingFixture;
let quoter: TestQuoter;
beforeAll(async () => {
  booking = await setupBooking();
});
afterAll(() => booking.stop());
beforeEach(async () => {
  quoter = await startTestQuoter();
});
afterEach(() => quoter.stop());

const logger = createLogger({ service: 'booking-test', level: 'silent' });

interface PlaceOptions {
  readonly fee?: PlatformFee;
  readonly timeoutMs?: number;
  /** Time that the call has left, in ms. */
  readonly leftMs?: number;
  readonly mayWait?: boolean;
}

function place(command: HoldCommand, options: PlaceOptions = {}): Promise<PlacedHold> {
  const quotes: AskQuoteDeps = {
    pool: booking.pool,
    quoter: quoter.quoter,
    logger,
    timeoutMs: options.timeoutMs ?? 1_000,
    onAsked: () => {},
  };
  const holdDeps = options.fee
    ? { ...booking.holdDeps, limits: { ...HOLD_LIMITS, fee: options.fee } }
    : booking.holdDeps;
  const batcher = new HoldBatcher({
    settle: (commands) => settleHoldBatch(holdDeps, commands),
    logger,
    onSettled: () => {},
  });
  const deadlineAt = performance.now() + (options.leftMs ?? 10_000);
  return placeHold({ batcher, quotes }, command, { mayWait: options.mayWait ?? true, deadlineAt });
}

function bookingOf(placed: PlacedHold): BookingJson {
  if (placed.kind !== 'answered') throw new Error(JSON.stringify(placed, (_key, v: unknown) => String(v)));
  return JSON.parse(placed.answer.body) as BookingJson;
}

const refusalOf = (placed: PlacedHold) => (placed.kind === 'refused' ? placed.refusal : placed.kind);
const reasonsOf = async (id: string) => (await readHistory(booking.pool, id as BookingId)).map(({ reason }) => reason);

async function setPricing(eventId: EventId, pricing: 'list' | 'quoted'): Promise<void> {
  await booking.pool.query('update events set pricing = $2 where id = $1', [eventId, pricing]);
}

describe('an event with list prices', () => {
  test('is held without asking anybody', async () => {
    const event_id = await booking.poolEvent();
    expect(bookingOf(await place(aHold({ event_id, quantity: 2 }))).price.amount).toBe(3_000);
    expect(quoter.asked).toHaveLength(0);
  });
});

describe('an event with quoted prices', () => {
  test('is held at the price of the quote, which is kept as it was signed', async () => {
    const event_id = await booking.seatEvent({ pricing: 'quoted' });
    const held = bookingOf(await place(aHold({ event_id, seats: ['A-2', 'A-1'] })));
    expect(held.price).toMatchObject({
      amount: 10_400,
      lines: [{ kind: 'place', quantity: 2, unit_amount: 5_200, amount: 10_400 }],
    });
    expect(quoter.asked).toHaveLength(1);
    expect(quoter.asked[0]).toMatchObject({
      event: { id: event_id },
      currency: 'EUR',
      places: [{ category: 'standard', quantity: 2, seats: ['A-2', 'A-1'], list_amount: 4_500 }],
      demand: { capacity: 10, taken: 0 },
    });
    const { rows } = await booking.pool.query<{ nonce: string; key_id: string; signed_body: string }>(
      'select nonce, key_id, signed_body from booking_quotes where booking_id = $1',
      [held.id],
    );
    expect(rows).toEqual([{ nonce: quoter.asked[0]!.nonce, key_id: 'k2', signed_body: expect.any(String) }]);
    expect(JSON.parse(rows[0]!.signed_body)).toMatchObject({ quote_id: `q-${quoter.asked[0]!.nonce}` });
    expect(await reasonsOf(held.id)).toEqual(['held at a quoted price']);
  });

  test('tells the quoter how many places are taken', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    await place(aHold({ event_id, quantity: 3 }));
    await place(aHold({ event_id, quantity: 1 }));
    expect(quoter.asked.map(({ demand }) => demand)).toEqual([
      { capacity: 50, taken: 0 },
      { capacity: 50, taken: 3 },
    ]);
  });

  test('prices each category of the best seats by itself', async () => {
    const event_id = await booking.seatEvent({
      pricing: 'quoted',
      rows: [
        { row: 'A', seats: 2, category: 'premium' },
        { row: 'B', seats: 2 },
      ],
    });
    quoter.behave((request) =>
      priced(request, 0, {
        places: request.places.map(({ category, quantity, seats }) => {
          return { category, quantity, seats, unit_amount: category === 'premium' ? 9_000 : 3_000 };
        }),
      }),
    );
    const held = bookingOf(await place(aHold({ event_id, seats: ['A-1', 'B-1', 'B-2'] })));
    expect(held.price.amount).toBe(15_000);
    expect(bookingOf(await place(aHold({ event_id, quantity: 1, category: 'premium' }))).seats).toEqual(['A-2']);
  });

  test('adds the platform fee to the quoted price', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    const { price } = bookingOf(await place(aHold({ event_id, quantity: 2 }), { fee: FEE }));
    // 2.5 % of 104.00 and 0.50.
    expect(price).toMatchObject({ amount: 10_710, lines: [{ amount: 10_400 }, { kind: 'fee', amount: 310 }] });
  });

  test('may be quoted as free, and is free of the fee then', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    quoter.behave((request) => priced(request, 0));
    const { price } = bookingOf(await place(aHold({ event_id, quantity: 2 }), { fee: FEE }));
    expect(price).toMatchObject({ amount: 0, lines: [{ amount: 0 }] });
  });

  test('answers a repeated key from its record without asking again', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    const command = aHold({ event_id, quantity: 1 });
    const first = await place(command);
    quoter.behave((request) => priced(request, 1));
    const again = await place(command);
    expect(again).toEqual({ ...first, replayed: true });
    expect(quoter.asked).toHaveLength(1);
  });

  test('has one booking and one price when a key comes twice at once', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    let amount = 1_000;
    quoter.behave((request) => priced(request, (amount += 1_000)));
    const command = aHold({ event_id, quantity: 1 });
    const both = (await Promise.all([place(command), place(command)])).map(bookingOf);
    expect(both[0]).toEqual(both[1]);
    const { rows } = await booking.pool.query('select id from bookings where event_id = $1', [event_id]);
    expect(rows).toHaveLength(1);
  });

  test('refuses what is taken, unknown or too much without a question', async () => {
    const event_id = await booking.seatEvent({ pricing: 'quoted' });
    await place(aHold({ event_id, seats: ['A-1'] }));
    const refusals = [
      refusalOf(await place(aHold({ event_id, seats: ['A-1'] }))),
      refusalOf(await place(aHold({ event_id, seats: ['Z-1'] }))),
      refusalOf(await place(aHold({ event_id, quantity: 11 }))),
    ];
    expect(refusals).toMatchObject([{ code: 'seats_taken' }, { code: 'unknown_seat' }, { code: 'too_many_places' }]);
    expect(quoter.asked).toHaveLength(1);
  });

  test('sends a call back that must not wait, and asks nobody', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    expect(await place(aHold({ event_id, quantity: 1 }), { mayWait: false })).toEqual({ kind: 'apart' });
    expect(quoter.asked).toHaveLength(0);
  });

  test('that is not offered any more is refused with the reason, and nothing is left behind', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted', quoteFallback: 'list' });
    const before = await booking.footprint();
    quoter.behave(({ nonce, event }) => ({ nonce, event_id: event.id, valid: false, reason: 'route_closed' }));
    expect(refusalOf(await place(aHold({ event_id, quantity: 1 })))).toEqual({
      code: 'no_longer_offered',
      reason: 'route_closed',
    });
    expect(await booking.footprint()).toEqual(before);
  });
});

describe('without a usable quote', () => {
  const FAILURES: [string, () => void, PlaceOptions][] = [
    ['is down', () => quoter.behave(() => 'reset'), {}],
    ['does not answer in time', () => quoter.behave(() => 'silence'), { timeoutMs: 50 }],
    ['cannot answer before the call is over', () => quoter.behave(() => 'silence'), { leftMs: 550 }],
    ['answers for another seat', () => quoter.behave((request) => priced(request, 1, elsewhere(request))), {}],
    ['answers in another currency', () => quoter.behave((request) => priced(request, 1, { currency: 'USD' })), {}],
    [
      'answers with a price that is over',
      () => quoter.behave((request) => priced(request, 1, { expires_at: request.asked_at })),
      {},
    ],
  ];
  const elsewhere = (request: { places: { category: string; quantity: number }[] }) => ({
    places: request.places.map(({ category, quantity }) => ({ category, quantity, seats: ['A-9'], unit_amount: 1 })),
  });

  test.each(FAILURES)('because the quoter %s, an event may live by its list prices', async (_what, fail, options) => {
    const event_id = await booking.seatEvent({ pricing: 'quoted', quoteFallback: 'list' });
    fail();
    const held = bookingOf(await place(aHold({ event_id, seats: ['A-1'] }), options));
    expect(held.price.amount).toBe(4_500);
    expect(await reasonsOf(held.id)).toEqual(['held at the list price, no quote could be had']);
  });

  test.each(FAILURES)(
    'because the quoter %s, an event may refuse, and nothing is left behind',
    async (_what, fail, options) => {
      const event_id = await booking.seatEvent({ pricing: 'quoted', quoteFallback: 'refuse' });
      const before = await booking.footprint();
      fail();
      const command = aHold({ event_id, seats: ['A-1'] });
      expect(refusalOf(await place(command, options))).toEqual({ code: 'quote_unavailable' });
      expect(await booking.footprint()).toEqual(before);

      // The key is as good as new.
      quoter.behave((request) => priced(request, 700));
      expect(bookingOf(await place(command)).price.amount).toBe(700);
    },
  );
});

describe('while the quoter thinks', () => {
  test('a named seat may be taken by somebody else: the price does not hold it', async () => {
    const event_id = await booking.seatEvent({ pricing: 'quoted' });
    let rival = true;
    quoter.behave(async (request) => {
      if (rival) {
        rival = false;
        bookingOf(await place(aHold({ event_id, seats: ['A-1'] })));
      }
      return priced(request, 5_200);
    });
    expect(refusalOf(await place(aHold({ event_id, seats: ['A-1'] })))).toMatchObject({ code: 'seats_taken' });
  });

  test('the best seats may be taken: the next best are asked about', async () => {
    const rows = [{ row: 'A', seats: 4 }];
    const event_id = await booking.seatEvent({ pricing: 'quoted', quoteFallback: 'list', rows });
    let taken: string[] = [];
    quoter.behave(async (request) => {
      if (taken.length === 0) {
        taken = request.places[0]!.seats;
        await booking.settle({ ...aHold({ event_id, seats: taken }), pricing: { kind: 'list' } });
      }
      return priced(request, 5_200);
    });
    const held = bookingOf(await place(aHold({ event_id, quantity: 2 })));
    expect(held.seats).not.toEqual(taken);
    expect(held.price.amount).toBe(10_400);
    expect(quoter.asked).toHaveLength(2);
  });

  test('the event may go back to list prices: they count, and the quote does not', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    quoter.behave(async (request) => {
      await setPricing(event_id, 'list');
      return priced(request, 9);
    });
    const held = bookingOf(await place(aHold({ event_id, quantity: 1 })));
    expect(held.price.amount).toBe(1_500);
    const { rows } = await booking.pool.query('select 1 from booking_quotes where booking_id = $1', [held.id]);
    expect(rows).toEqual([]);
  });

  test('the quote may run out by the time of the database: it is asked for again', async () => {
    const event_id = await booking.poolEvent({ pricing: 'quoted' });
    let expired = false;
    quoter.behave(async (request) => {
      const answer = priced(request, 5_200);
      if (!expired) await booking.database.advanceClock(601_000);
      expired = true;
      return answer;
    });
    expect(bookingOf(await place(aHold({ event_id, quantity: 1 }))).price.amount).toBe(5_200);
    expect(quoter.asked).toHaveLength(2);
  });
});

test('of many who want the last seat at a quoted price one gets it', async () => {
  const event_id = await booking.seatEvent({ pricing: 'quoted', rows: [{ row: 'A', seats: 1 }] });
  let arrived = 0;
  let open: () => void = () => {};
  const all = new Promise<void>((resolve) => (open = resolve));
  quoter.behave(async (request) => {
    arrived += 1;
    if (arrived === 12) open();
    await all;
    return priced(request, 5_200);
  });
  const placed = await Promise.all(Array.from({ length: 12 }, () => place(aHold({ event_id, seats: ['A-1'] }))));
  expect(placed.filter(({ kind }) => kind === 'answered')).toHaveLength(1);
  expect(placed.filter(({ kind }) => kind === 'refused').map(refusalOf)).toEqual(
    Array.from({ length: 11 }, () => ({ code: 'seats_taken', seats: ['A-1'] })),
  );
});

test('the database refuses a quote that is over, whatever the process believed', async () => {
  const event_id = await booking.poolEvent();
  const held = bookingOf(await place(aHold({ event_id, quantity: 1 })));
  await expect(
    booking.pool.query(
      `insert into booking_quotes (booking_id, quote_id, nonce, key_id, signed_body, signature, expires_at, used_at)
       values ($1, 'q', 'n', 'k', '{}', 's', clock.app_now(), clock.app_now())`,
      [held.id],
    ),
  ).rejects.toMatchObject({ constraint: 'booking_quotes_used_in_time' });
});
