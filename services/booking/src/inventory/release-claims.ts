import { byIds } from '@holdfast/shared/db/by-ids';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';

/**
 * Gives the live claims of these bookings back, whatever their kind, set-based. Pool counters and freed place numbers follow in the
 * same statement. A booking without live claims is left alone, so this may run twice. The clock stands in subqueries: asked once a
 * statement, not once a row.
 */
export async function releaseClaims(tx: Tx, bookingIds: readonly BookingId[]): Promise<void> {
  await tx.query(
    byIds(
      'claims-release',
      bookingIds,
      (these) =>
        `with seats as (
       update seat_claims set released_at = (select clock.app_now())
        where booking_id ${these} and released_at is null
       returning event_id
     ), slots as (
       update slot_claims set released_at = (select clock.app_now())
        where booking_id ${these} and released_at is null
       returning resource_id
     ), pools as (
       update pool_claims set released_at = (select clock.app_now())
        where booking_id ${these} and released_at is null
       returning event_id, quantity
     ), places as (
       update pool_places set released_at = (select clock.app_now())
        where booking_id ${these} and released_at is null
       returning event_id, place_number
     ), freed as (
       insert into pool_free_places (event_id, place_number)
       select event_id, place_number from places
     ), changed_resources as (
       update resources set inventory_version = inventory_version + 1
        where id in (select resource_id from slots)
     )
     update events
        set claimed = claimed - coalesce((select sum(quantity) from pools where pools.event_id = events.id), 0),
            inventory_version = inventory_version + 1
      where id in (select event_id from seats union select event_id from pools)`,
    ),
  );
}
