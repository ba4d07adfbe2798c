import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { EventId } from '@holdfast/shared/ids';
import { aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { expireHolds } from './expire-holds.ts';
import { tellExpiries } from './tell-expiries.ts';

const CROWD = 1_600;

let booking: BookingFixture;
beforeAll(async () => {
  booking = await setupBooking();
});
beforeEach(() => booking.database.setClockOffset(0));
afterAll(() => booking.stop());

const expire = () =>
  expireHolds({ pool: booking.pool, watch: { changed: () => undefined }, onCommit: () => undefined });
const tell = () => tellExpiries({ pool: booking.pool, onCommit: () => undefined });

async function crowdHolds(event: EventId): Promise<void> {
  for (let left = CROWD; left > 0; left -= 400)
    await booking.settle(...Array.from({ length: 400 }, () => aHold({ event_id: event, quantity: 1 })));
  await booking.database.advanceClock(601_000);
}

async function stateOf(event: EventId) {
  const { rows } = await booking.pool.query<{ claimed: number; expired: number; steps: number; told: number }>(
    `select (select claimed from events where id = $1) as claimed,
            (select count(*)::int from bookings where event_id = $1 and status = 'EXPIRED') as expired,
            (select count(*)::int from booking_history where to_status = 'EXPIRED'
                and booking_id in (select id from bookings where event_id = $1)) as steps,
            (select count(*)::int from outbox where subject like 'booking.%.expired'
                and ordering_key in (select id from bookings where event_id = $1)) as told`,
    [event],
  );
  return rows[0]!;
}

test('a crowd of holds that lapse together frees its places first and is told afterwards, each once', async () => {
  const event = await booking.poolEvent({ capacity: CROWD });
  await crowdHolds(event);
  expect(await expire()).toEqual({ expired: CROWD, more: false });
  expect(await stateOf(event)).toEqual({ claimed: 0, expired: CROWD, steps: CROWD, told: 0 });

  // Several replicas, of which some find nothing left.
  const rounds = await Promise.all(Array.from({ length: 5 }, tell));
  expect(rounds.reduce((sum, { told }) => sum + told, 0)).toBe(CROWD);
  expect(await stateOf(event)).toEqual({ claimed: 0, expired: CROWD, steps: CROWD, told: CROWD });
  expect(await tell()).toEqual({ told: 0 });
});

test('two replicas that expire the same crowd free each place once', async () => {
  const event = await booking.poolEvent({ capacity: CROWD });
  await crowdHolds(event);
  const rounds = await Promise.all([expire(), expire()]);
  expect(rounds.reduce((sum, { expired }) => sum + expired, 0)).toBe(CROWD);
  while ((await tell()).told > 0);
  expect(await stateOf(event)).toEqual({ claimed: 0, expired: CROWD, steps: CROWD, told: CROWD });
});

test('a crowd waits to be told while other holds are due, for 5 s at most', async () => {
  const event = await booking.poolEvent({ capacity: CROWD });
  await crowdHolds(event);
  await expire();
  await booking.settle(aHold({ event_id: event, quantity: 1 }));
  await booking.pool.query(
    `update bookings set hold_expires_at = clock.app_now() where event_id = $1 and status = 'HELD'`,
    [event],
  );
  expect(await tell()).toEqual({ told: 0 });
  await booking.database.advanceClock(601_000 + 5_000);
  while ((await tell()).told > 0);
  expect(await stateOf(event)).toMatchObject({ expired: CROWD, told: CROWD });
});

test('a few that lapse are told in the transaction that frees them', async () => {
  const event = await booking.poolEvent({ capacity: 3 });
  await booking.settle(...Array.from({ length: 3 }, () => aHold({ event_id: event, quantity: 1 })));
  await booking.database.advanceClock(601_000);
  await expire();
  expect(await stateOf(event)).toEqual({ claimed: 0, expired: 3, steps: 3, told: 3 });
});
