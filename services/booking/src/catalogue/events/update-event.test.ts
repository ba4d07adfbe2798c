import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventBody } from '@holdfast/shared/contracts/catalogue';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId } from '@holdfast/shared/ids';
import { releaseClaims } from '../../inventory/release-claims.ts';
import { aHold, setupBooking, type BookingFixture } from '../../testing/booking-fixture.ts';
import { mergePatch, type Fields } from '../merge-patch.ts';
import { EVENTS } from './event-kind.ts';
import { toEventFields, updateEvent } from './update-event.ts';

let booking: BookingFixture;
beforeAll(async () => {
  booking = await setupBooking();
});
afterAll(() => booking.stop());

const change = (id: EventId, patch: Fields) =>
  withTransaction(booking.pool, async (tx) => {
    const { object } = (await EVENTS.lock(tx, id))!;
    return updateEvent(tx, object, mergePatch(eventBody, toEventFields(object), patch), true);
  });
const hold = async (id: EventId, quantity: number) => {
  const [result] = await booking.settle(aHold({ event_id: id, quantity }));
  if (result?.kind !== 'answered') return null;
  return JSON.parse(result.answer.body) as { id: BookingId; seats: string[] };
};
const release = (id: BookingId) => withTransaction(booking.pool, (tx) => releaseClaims(tx, [id]));

describe('with a live booking', () => {
  test('the time of an event stays; everything else may change', async () => {
    const id = await booking.poolEvent();
    await hold(id, 1);
    const later = new Date(Date.now() + 1_000 * 3_600_000).toISOString();
    expect(await change(id, { ends_at: later })).toMatchObject({ refused: 'in_use' });
    expect(await change(id, { name: 'Day ride', prices: [{ category: 'child', amount: 1 }] })).toMatchObject({
      version: 2,
      name: 'Day ride',
    });
  });
});

describe('the capacity of a numbered pool', () => {
  test('does not fall below a number that somebody has, and numbers above it are not given out again', async () => {
    const id = await booking.poolEvent({ capacity: 5, numbered: true });
    const low = (await hold(id, 2))!;
    const middle = (await hold(id, 1))!;
    const high = (await hold(id, 2))!;
    expect([low.seats, middle.seats, high.seats]).toEqual([['1', '2'], ['3'], ['4', '5']]);
    await release(low.id);
    await release(high.id);
    expect(await change(id, { capacity: 2 })).toEqual({ refused: 'in_use', detail: 'place number 3 is claimed' });
    expect(await change(id, { capacity: 3 })).toMatchObject({ capacity: 3 });
    expect(await hold(id, 3)).toBeNull();
    expect((await hold(id, 2))!.seats).toEqual(['1', '2']);
    expect(await hold(id, 1)).toBeNull();
    expect(await change(id, { capacity: 4 })).toMatchObject({ capacity: 4 });
    expect((await hold(id, 1))!.seats).toEqual(['4']);
  });
});

test('while holds come in, the capacity is never below what they claim', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await booking.poolEvent({ capacity: 10 });
    const [lowered, ...held] = await Promise.all([
      change(id, { capacity: 4 }),
      ...Array.from({ length: 8 }, () => hold(id, 1)),
    ]);
    const granted = held.filter((result) => result !== null).length;
    const { rows } = await booking.pool.query('select capacity, claimed from events where id = $1', [id]);
    expect(rows).toEqual([{ capacity: 'refused' in lowered ? 10 : 4, claimed: granted }]);
    expect(granted).toBe('refused' in lowered ? 8 : 4);
  }
});
