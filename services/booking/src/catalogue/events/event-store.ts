import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { EventId, HallId, VenueId } from '@holdfast/shared/ids';
import type { ListRequest } from '../list-position.ts';

export interface CategoryPrice {
  readonly category: string;
  /** Minor units of the venue's currency. */
  readonly amount: number;
}

/** An event with what it takes from its venue. */
export interface EventRow {
  readonly id: EventId;
  readonly venue_id: VenueId;
  readonly name: string;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly time_zone: string;
  readonly inventory: 'seats' | 'pool';
  readonly hall_id: HallId | null;
  readonly capacity: number;
  readonly numbered: boolean;
  readonly currency: string;
  readonly prices: CategoryPrice[];
  readonly max_per_booking: number | null;
  readonly pricing: 'list' | 'quoted';
  readonly quote_fallback: 'list' | 'refuse';
  readonly sales_open_at: Date | null;
  readonly sales_close_at: Date | null;
  readonly house_blocks: string[];
  readonly cancelled_at: Date | null;
  readonly version: number;
  readonly archived_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface NewEvent {
  readonly id: EventId;
  readonly venueId: VenueId;
  readonly name: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly inventory: 'seats' | 'pool';
  readonly hall: { readonly id: HallId; readonly version: number } | null;
  readonly capacity: number;
  readonly numbered: boolean;
  readonly prices: readonly CategoryPrice[];
  readonly maxPerBooking: number | null;
  readonly pricing: 'list' | 'quoted';
  readonly quoteFallback: 'list' | 'refuse';
  readonly salesOpenAt: Date | null;
  readonly salesCloseAt: Date | null;
  readonly houseBlocks: readonly string[];
}

const COLUMNS = `e.id, e.venue_id, e.name, e.starts_at, e.ends_at, v.time_zone, e.inventory, e.hall_id, e.capacity, e.numbered,
            v.currency, e.prices, e.max_per_booking, e.pricing, e.quote_fallback, e.sales_open_at, e.sales_close_at, e.house_blocks,
            e.cancelled_at, e.version, e.archived_at, e.created_at, e.updated_at`;

export async function insertEvent(tx: Tx, event: NewEvent): Promise<EventRow> {
  const { rows } = await tx.query<EventRow>(
    `with e as (
       insert into events (id, venue_id, name, starts_at, ends_at, inventory, hall_id, hall_version, capacity, numbered, prices,
                           max_per_booking, pricing, sales_open_at, sales_close_at, house_blocks, quote_fallback)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14, $15, $16::text[], $17)
       returning *
     )
     select ${COLUMNS}
       from e
       join venues v on v.id = e.venue_id`,
    [
      event.id,
      event.venueId,
      event.name,
      event.startsAt,
      event.endsAt,
      event.inventory,
      event.hall?.id ?? null,
      event.hall?.version ?? null,
      event.capacity,
      event.numbered,
      JSON.stringify(event.prices),
      event.maxPerBooking,
      event.pricing,
      event.salesOpenAt,
      event.salesCloseAt,
      event.houseBlocks,
      event.quoteFallback,
    ],
  );
  return rows[0]!;
}

export async function findEvent(db: Queryable, id: EventId): Promise<EventRow | null> {
  const { rows } = await db.query<EventRow>(
    `select ${COLUMNS}
       from events e
       join venues v on v.id = e.venue_id
      where e.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** Events that are not archived and lie in nothing that is, oldest first by creation, with the position of each. */
export async function listEventRows(
  db: Queryable,
  { limit, after, venueId }: ListRequest,
): Promise<(EventRow & { created_micros: string })[]> {
  const { rows } = await db.query<EventRow & { created_micros: string }>(
    `select ${COLUMNS}, (extract(epoch from e.created_at) * 1000000)::bigint::text as created_micros
       from events e
       join venues v on v.id = e.venue_id
      where e.archived_at is null
        and v.archived_at is null
        and not exists (select from halls h where h.id = e.hall_id and h.archived_at is not null)
        and ($4::text is null or e.venue_id = $4)
        and ($1::bigint is null
             or (e.created_at, e.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::text))
      order by e.created_at, e.id
      limit $3::int + 1`,
    [after?.createdMicros ?? null, after?.id ?? null, limit, venueId],
  );
  return rows;
}

/** The inventory of a locked event, as far as a change of it must know. */
export interface EventUse {
  readonly hall_version: number | null;
  readonly claimed: number;
  /** The highest place number that a live booking has; 0 without one. */
  readonly highest_place: number;
}

export async function readEventUse(tx: Tx, id: EventId): Promise<EventUse> {
  const { rows } = await tx.query<EventUse>(
    `select hall_version, claimed,
            coalesce((select max(place_number) from pool_places
                       where event_id = events.id and released_at is null), 0) as highest_place
       from events
      where id = $1`,
    [id],
  );
  return rows[0]!;
}

/**
 * Gives a locked event new values and its next version; false when it has another version than the one that was read. Place numbers
 * above the capacity are not given out again. @throws the database's refusal of a capacity below what is claimed.
 */
export async function updateEventRow(
  tx: Tx,
  event: Omit<NewEvent, 'venueId' | 'inventory' | 'hall' | 'numbered'>,
  version: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `with withdrawn as (
       delete from pool_free_places where event_id = $1 and place_number > $6::int
     )
     update events
        set name = $3, starts_at = $4, ends_at = $5, capacity = $6, places_given = least(places_given, $6::int),
            prices = $7::jsonb, max_per_booking = $8, pricing = $9,
            sales_open_at = $10, sales_close_at = $11, house_blocks = $12::text[], quote_fallback = $13,
            inventory_version = inventory_version + 1, version = version + 1, updated_at = clock.app_now()
      where id = $1
        and version = $2`,
    [
      event.id,
      version,
      event.name,
      event.startsAt,
      event.endsAt,
      event.capacity,
      JSON.stringify(event.prices),
      event.maxPerBooking,
      event.pricing,
      event.salesOpenAt,
      event.salesCloseAt,
      event.houseBlocks,
      event.quoteFallback,
    ],
  );
  return rowCount === 1;
}
