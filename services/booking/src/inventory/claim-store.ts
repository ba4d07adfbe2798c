import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId, ResourceId } from '@holdfast/shared/ids';

/** What a booking claims, as far as locks are concerned. */
export interface ClaimedInventory {
  readonly event_id: EventId | null;
  readonly resource_id: ResourceId | null;
}

/** Locks the events and resources of these bookings, each by id: the first locks of every transaction that changes claims. */
export async function lockInventory(tx: Tx, claimed: readonly ClaimedInventory[]): Promise<void> {
  const events = [...new Set(claimed.flatMap(({ event_id }) => event_id ?? []))].sort();
  const resources = [...new Set(claimed.flatMap(({ resource_id }) => resource_id ?? []))].sort();
  await tx.query('select lock_inventory($1::text[], $2::text[], array[]::text[])', [events, resources]);
}

/**
 * Gives the live claims of these bookings back, whatever their kind, set-based. Pool counters and freed place numbers follow in the
 * same statement. A booking without live claims is left alone, so this may run twice.
 */
export async function releaseClaims(tx: Tx, bookingIds: readonly BookingId[]): Promise<void> {
  await tx.query(
    `with seats as (
       update seat_claims set released_at = clock.app_now()
        where booking_id = any ($1::text[]) and released_at is null
       returning event_id
     ), slots as (
       update slot_claims set released_at = clock.app_now()
        where booking_id = any ($1::text[]) and released_at is null
       returning resource_id
     ), pools as (
       update pool_claims set released_at = clock.app_now()
        where booking_id = any ($1::text[]) and released_at is null
       returning event_id, quantity
     ), places as (
       update pool_places set released_at = clock.app_now()
        where booking_id = any ($1::text[]) and released_at is null
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
    [bookingIds],
  );
}

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
