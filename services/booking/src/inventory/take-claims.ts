import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId, ResourceId } from '@holdfast/shared/ids';

/** Places that were found free under the lock of their event or resource. */
export type FreePlaces =
  | { readonly kind: 'seats'; readonly event: { readonly id: EventId }; readonly seats: readonly string[] }
  | {
      readonly kind: 'pool';
      readonly event: { readonly id: EventId };
      readonly quantity: number;
      readonly numbers: readonly number[];
      /** Those of the numbers that were given before and came back. */
      readonly fromFree: readonly number[];
    }
  | {
      readonly kind: 'slots';
      readonly resource: { readonly id: ResourceId };
      readonly startsAt: Date;
      readonly endsAt: Date;
    };

/**
 * Claims places for a booking that there is already; the counterpart of releaseClaims. A hold's claims are written with its booking
 * (holds/write-holds.ts). The constraints have the last word: whoever comes after somebody else gets an error and nothing.
 */
export async function takeClaims(tx: Tx, bookingId: BookingId, place: FreePlaces, now: Date): Promise<void> {
  switch (place.kind) {
    case 'seats':
      await tx.query(
        `with claimed as (
           insert into seat_claims (event_id, seat, booking_id, claimed_at)
           select $2, seat, $1, $4 from unnest($3::text[]) as seat order by seat
         )
         update events set inventory_version = inventory_version + 1 where id = $2`,
        [bookingId, place.event.id, place.seats, now],
      );
      return;
    case 'pool':
      await tx.query(
        `with claimed as (
           insert into pool_claims (event_id, quantity, booking_id, claimed_at) values ($2, $3, $1, $6)
         ), numbered as (
           insert into pool_places (event_id, place_number, booking_id) select $2, n, $1 from unnest($4::int[]) as n order by n
         ), reused as (
           delete from pool_free_places where event_id = $2 and place_number = any ($5::int[])
         )
         update events
            set claimed = claimed + $3,
                places_given = places_given + cardinality($4::int[]) - cardinality($5::int[]),
                inventory_version = inventory_version + 1
          where id = $2`,
        [bookingId, place.event.id, place.quantity, place.numbers, place.fromFree, now],
      );
      return;
    case 'slots':
      await tx.query(
        `with claimed as (
           insert into slot_claims (resource_id, during, booking_id, claimed_at)
           values ($2, tstzrange($3, $4, '[)'), $1, $5)
         )
         update resources set inventory_version = inventory_version + 1 where id = $2`,
        [bookingId, place.resource.id, place.startsAt, place.endsAt, now],
      );
  }
}
