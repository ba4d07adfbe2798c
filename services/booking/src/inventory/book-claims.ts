import { byIds } from '@holdfast/shared/db/by-ids';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';

/**
 * Turns the live claims of these bookings from LOCKED into BOOKED: they are sold.
 * @throws Error when one of them claims nothing: it would be paid for nothing.
 */
export async function bookClaims(tx: Tx, bookingIds: readonly BookingId[]): Promise<void> {
  const { rows } = await tx.query<{ booked: number }>(
    byIds(
      'claims-book',
      bookingIds,
      (these) => `with seats as (
       update seat_claims set state = 'BOOKED'
        where booking_id ${these} and released_at is null
       returning booking_id, event_id
     ), slots as (
       update slot_claims set state = 'BOOKED'
        where booking_id ${these} and released_at is null
       returning booking_id, resource_id
     ), pools as (
       update pool_claims set state = 'BOOKED'
        where booking_id ${these} and released_at is null
       returning booking_id, event_id
     ), changed_resources as (
       update resources set inventory_version = inventory_version + 1 where id in (select resource_id from slots)
     ), changed_events as (
       update events set inventory_version = inventory_version + 1
        where id in (select event_id from seats union select event_id from pools)
     )
     select count(*)::int as booked
       from (select booking_id from seats union select booking_id from slots union select booking_id from pools) claimed`,
    ),
  );
  if (rows[0]!.booked !== bookingIds.length) {
    throw new Error(`of ${bookingIds.join(', ')} only ${rows[0]!.booked} claim anything`);
  }
}
