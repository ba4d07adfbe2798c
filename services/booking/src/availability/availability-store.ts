import type { Day, OpeningException } from '@holdfast/shared/contracts/catalogue';
import type { Queryable } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId } from '@holdfast/shared/ids';

export interface VersionRow {
  readonly id: EventId;
  readonly inventory: 'seats' | 'pool';
  /** Rises with every change of a claim, in the transaction of the change. */
  readonly inventory_version: bigint;
  readonly now: Date;
}

/** The present inventory versions of these events; unknown ids are left out. */
export async function readInventoryVersions(db: Queryable, ids: readonly EventId[]): Promise<VersionRow[]> {
  const { rows } = await db.query<VersionRow>({
    name: 'availability-versions',
    text: `select id, inventory, inventory_version, clock.app_now() as now
             from events
            where id = any ($1::text[])`,
    values: [ids],
  });
  return rows;
}

export interface SeatInventoryRow {
  readonly inventory_version: bigint;
  readonly hall_id: string;
  readonly hall_version: number;
  /** Held, or kept by the house. */
  readonly locked: string[];
  readonly booked: string[];
  /** Nothing of it can be booked any more. */
  readonly cancelled: boolean;
}

/** The claimed seats of an event and the version that they belong to: one statement, so one snapshot. */
export async function readSeatInventory(db: Queryable, id: EventId): Promise<SeatInventoryRow> {
  const { rows } = await db.query<SeatInventoryRow>({
    name: 'availability-seats',
    text: `select e.inventory_version, e.hall_id, e.hall_version,
                  coalesce(c.locked, '{}') || array(
                    select label from unnest(e.house_blocks) as label
                     where not exists (select from seat_claims s
                                        where s.event_id = e.id and s.seat = label and s.released_at is null)) as locked,
                  coalesce(c.booked, '{}') as booked, e.cancelled_at is not null as cancelled
             from events e
             cross join lateral (
               select array_agg(seat) filter (where state = 'LOCKED') as locked,
                      array_agg(seat) filter (where state = 'BOOKED') as booked
                 from seat_claims
                where event_id = e.id and released_at is null) c
            where e.id = $1`,
    values: [id],
  });
  return rows[0]!;
}

export interface PoolInventoryRow {
  readonly inventory_version: bigint;
  readonly available: number;
  readonly locked: number;
  readonly booked: number;
}

/** The counts of a pool and the version that they belong to. What a cancelled event has not sold is locked. */
export async function readPoolInventory(db: Queryable, id: EventId): Promise<PoolInventoryRow> {
  const { rows } = await db.query<PoolInventoryRow>({
    name: 'availability-pool',
    text: `select e.inventory_version,
                  case when e.cancelled_at is null then e.capacity - e.claimed else 0 end as available,
                  case when e.cancelled_at is null then e.claimed else e.capacity end - c.booked as locked,
                  c.booked
             from events e
             cross join lateral (
               select coalesce(sum(quantity), 0)::int as booked
                 from pool_claims
                where event_id = e.id and state = 'BOOKED' and released_at is null) c
            where e.id = $1`,
    values: [id],
  });
  return rows[0]!;
}

export interface OccupancyRow {
  readonly inventory_version: bigint;
  readonly now: Date;
  readonly hall_id: string | null;
  readonly hall_version: number | null;
  readonly capacity: number;
  readonly claimed: number;
  readonly cancelled: boolean;
  readonly house_blocks: string[];
  readonly categories: string[];
  /** Claimed seats of a hall. */
  readonly seats: { seat: string; state: 'LOCKED' | 'BOOKED' }[];
  /** Claimed places of a pool by what their bookings bought. */
  readonly pool: { category: string; state: 'LOCKED' | 'BOOKED'; places: number }[];
}

/** Everything that is claimed of an event, in one snapshot; null when it is unknown. */
export async function readOccupancyRow(db: Queryable, id: EventId): Promise<OccupancyRow | null> {
  const { rows } = await db.query<OccupancyRow>(
    `select e.inventory_version, clock.app_now() as now, e.hall_id, e.hall_version, e.capacity, e.claimed,
            e.cancelled_at is not null as cancelled, e.house_blocks,
            array(select price ->> 'category' from jsonb_array_elements(e.prices) as price) as categories,
            coalesce((select json_agg(json_build_object('seat', seat, 'state', state))
                        from seat_claims
                       where event_id = e.id and released_at is null), '[]') as seats,
            coalesce((select json_agg(json_build_object('category', sold.category, 'state', sold.state,
                                                        'places', sold.places))
                        from (select line ->> 'category' as category, c.state, sum((line ->> 'quantity')::int) as places
                                from pool_claims c
                                join bookings b on b.id = c.booking_id
                                cross join jsonb_array_elements(b.price_lines) as line
                               where c.event_id = e.id
                                 and c.released_at is null
                                 and line ->> 'category' is not null
                               group by 1, 2) sold), '[]') as pool
       from events e
      where e.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export interface SlotInventoryRow {
  readonly time_zone: string;
  readonly currency: string;
  readonly slot_minutes: number;
  readonly min_slots: number;
  readonly max_slots: number | null;
  readonly opening_hours: { day: Day; opens: string; closes: string }[];
  readonly exceptions: OpeningException[];
  readonly price_per_slot: bigint;
  readonly now: Date;
  /** Live claims that touch the time asked for: ms since the epoch, half-open. */
  readonly claims: { from: number; to: number; state: 'LOCKED' | 'BOOKED' }[];
}

/** A resource with its live claims between two times; null when it is unknown. */
export async function readSlotInventory(
  db: Queryable,
  id: ResourceId,
  from: Date,
  to: Date,
): Promise<SlotInventoryRow | null> {
  const { rows } = await db.query<SlotInventoryRow>({
    name: 'availability-slots',
    text: `select v.time_zone, v.currency, r.slot_minutes, r.min_slots, r.max_slots, r.opening_hours, r.exceptions,
                  r.price_per_slot, clock.app_now() as now,
                  coalesce((select json_agg(json_build_object(
                              'from', extract(epoch from lower(c.during)) * 1000,
                              'to', extract(epoch from upper(c.during)) * 1000,
                              'state', c.state) order by lower(c.during))
                       from slot_claims c
                      where c.resource_id = r.id
                        and c.released_at is null
                        and c.during && tstzrange($2::timestamptz, $3::timestamptz)), '[]') as claims
             from resources r
             join venues v on v.id = r.venue_id
            where r.id = $1`,
    values: [id, from, to],
  });
  return rows[0] ?? null;
}
