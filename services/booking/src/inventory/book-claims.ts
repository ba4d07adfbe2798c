import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';

/** Turns the live claims of a booking from LOCKED into BOOKED: they are sold. Returns how many claims that were. */
export async function bookClaims(tx: Tx, bookingId: BookingId): Promise<number> {
  const { rows } = await tx.query<{ booked: number }>(
    `with seats as (
       update seat_claims set state = 'BOOKED' where booking_id = $1 and released_at is null returning event_id
     ), slots as (
       update slot_claims set state = 'BOOKED' where booking_id = $1 and released_at is null returning resource_id
     ), pools as (
       update pool_claims set state = 'BOOKED' where booking_id = $1 and released_at is null returning event_id
     ), changed_resources as (
       update resources set inventory_version = inventory_version + 1 where id in (select resource_id from slots)
     ), changed_events as (
       update events set inventory_version = inventory_version + 1
        where id in (select event_id from seats union select event_id from pools)
     )
     select ((select count(*) from seats) + (select count(*) from slots) + (select count(*) from pools))::int as booked`,
    [bookingId],
  );
  return rows[0]!.booked;
}
