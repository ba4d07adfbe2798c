import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EventId } from '@holdfast/shared/ids';
import fc from 'fast-check';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { waitlistOver, type Joined, type WaitlistFixture } from '../testing/waitlist-fixture.ts';

let booking: BookingFixture;
let waitlist: WaitlistFixture;
beforeAll(async () => {
  booking = await setupBooking();
  waitlist = await waitlistOver(booking);
});
afterAll(async () => {
  await waitlist?.stop();
  await booking?.stop();
});

type Step =
  | { readonly do: 'join'; readonly quantity: number; readonly least: number }
  | { readonly do: 'hold'; readonly quantity: number }
  | { readonly do: 'cancel' | 'leave'; readonly which: number }
  | { readonly do: 'serve' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }))
      .map(([quantity, give]): Step => ({ do: 'join', quantity, least: Math.max(1, quantity - give) })),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }).map((quantity): Step => ({ do: 'hold', quantity })) },
  { weight: 4, arbitrary: fc.nat(20).map((which): Step => ({ do: 'cancel', which })) },
  { weight: 2, arbitrary: fc.nat(20).map((which): Step => ({ do: 'leave', which })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'serve' }) },
);

/** Entries that wait although what they want, or the least of it, is free. */
async function idleFor(event: EventId): Promise<string[]> {
  const { rows } = await booking.pool.query<{ id: string; least: number }>(
    `select id, min_quantity as least from waitlist_entries where event_id = $1 and status = 'WAITING'`,
    [event],
  );
  const idle = [];
  for (const least of new Set(rows.map((row) => row.least))) {
    if ('booking' in (await waitlist.hold({ event_id: event, quantity: least }))) idle.push(`a wait for ${least}`);
  }
  return idle;
}

/** Entries that still wait although somebody behind them with the same wish was offered something. */
async function passedOver(event: EventId): Promise<unknown[]> {
  const { rows } = await booking.pool.query<{ id: string }>(
    `select w.id from waitlist_entries w
      where w.event_id = $1 and w.status = 'WAITING'
        and exists (select from waitlist_entries o
                     where o.event_id = w.event_id and o.wish = w.wish and o.seq > w.seq and o.offered_at is not null)`,
    [event],
  );
  return rows;
}

test.each([
  ['a pool', () => booking.poolEvent({ capacity: 6, numbered: true })],
  [
    'a hall',
    () =>
      booking.seatEvent({
        rows: [
          { row: 'A', seats: 3 },
          { row: 'B', seats: 3 },
        ],
      }),
  ],
])(
  'whatever happens in whatever order, the line for %s is fair, counted, and nothing is idle for it',
  async (_, create) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
        const event = await create();
        const holds = [
          await waitlist.held({ event_id: event, quantity: 3 }),
          await waitlist.held({ event_id: event, quantity: 3 }),
        ];
        const joined: Joined[] = [];
        for (const one of steps) {
          if (one.do === 'join') {
            const entry = await waitlist.join({ event_id: event, quantity: one.quantity, min_quantity: one.least });
            if (entry.reply.status === 201) joined.push(entry);
          } else if (one.do === 'hold') {
            const result = await waitlist.hold({ event_id: event, quantity: one.quantity });
            if ('booking' in result) holds.push(result);
          } else if (one.do === 'cancel' && holds.length > 0) {
            await waitlist.cancel(holds.splice(one.which % holds.length, 1)[0]!);
          } else if (one.do === 'leave' && joined.length > 0) {
            await waitlist.leave(joined.splice(one.which % joined.length, 1)[0]!);
          } else {
            await waitlist.serve();
          }
          expect(await passedOver(event)).toEqual([]);
        }
        await waitlist.serve();
        expect(await passedOver(event)).toEqual([]);
        expect(await idleFor(event)).toEqual([]);
        expect(await waitlist.miscounted()).toEqual([]);
      }),
      { numRuns: 8 },
    );
  },
  60_000,
);
