import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { BOOKING_STATUSES } from '@holdfast/shared/contracts/bookings';
import { aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { TRANSITIONS } from './booking.ts';

let booking: BookingFixture;
beforeAll(async () => {
  booking = await setupBooking();
});
afterAll(() => booking.stop());

test('the database knows exactly the transitions of the code', async () => {
  const { rows } = await booking.pool.query<{ from_status: string; to_status: string }>(
    'select from_status, to_status from booking_transitions',
  );
  const inDatabase = rows.map((row) => `${row.from_status} ${row.to_status}`).sort();
  const inCode = BOOKING_STATUSES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} ${to}`)).sort();
  expect(inDatabase).toEqual(inCode);
});

test('the database refuses an illegal transition, a pinned booking’s expiry and a paid-for jump over the payment', async () => {
  const event = await booking.poolEvent();
  await booking.settle(aHold({ event_id: event, quantity: 1 }));
  const change = (assignment: string) =>
    booking.pool.query(`update bookings set ${assignment} where event_id = $1`, [event]);
  await expect(change(`status = 'COMPLETED'`)).rejects.toMatchObject({ constraint: 'bookings_transition_is_legal' });
  // PAID may be passed through on the way to CONFIRMED, by those who may become PAID.
  await expect(change(`status = 'CONFIRMED'`)).rejects.toMatchObject({
    constraint: 'bookings_only_free_ones_skip_payment',
  });
  await expect(change(`status = 'PAID'`)).rejects.toMatchObject({ constraint: 'bookings_only_free_ones_skip_payment' });
  await change(`status = 'PAYMENT_INITIATED', pinned_at = clock.app_now(), payment_id = '${newId('pay')}'`);
  await expect(change(`status = 'EXPIRED'`)).rejects.toMatchObject({ constraint: 'bookings_pinned_stays' });
  await expect(change(`status = 'CANCELLED'`)).rejects.toMatchObject({ constraint: 'bookings_pinned_stays' });
});

test('a service’s role reads its own schema and no other', async () => {
  for (const [role, foreign] of [
    ['booking', 'payment.payments'],
    ['payment', 'booking.bookings'],
    ['notification', 'booking.bookings'],
    ['identity', 'booking.bookings'],
    ['booking', 'identity.users'],
    ['booking', 'notification.deliveries'],
  ] as const) {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: booking.database.url(role) });
    await client.connect();
    await expect(client.query(`select from ${foreign}`)).rejects.toMatchObject({ code: '42501' });
    await client.end();
  }
});
