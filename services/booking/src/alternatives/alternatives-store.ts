import type { Queryable } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId } from '@holdfast/shared/ids';
import type { SlotRules } from '../inventory/slot-grid.ts';

export interface HallPictureRow {
  readonly inventory_version: bigint;
  readonly hall_id: string;
  readonly hall_version: number;
  readonly categories: string[];
  /** Claimed, or kept by the house; null when nothing has changed since the known version. */
  readonly taken: string[] | null;
}

/** What is taken of an event with seats; the seats themselves only when the inventory is not that of `knownVersion`. */
export async function readHallPicture(
  db: Queryable,
  id: EventId,
  knownVersion: bigint | null,
): Promise<HallPictureRow | null> {
  const { rows } = await db.query<HallPictureRow>({
    name: 'alternatives-hall',
    text: `select e.inventory_version, e.hall_id, e.hall_version,
                  array(select price ->> 'category' from jsonb_array_elements(e.prices) as price) as categories,
                  case when e.inventory_version is distinct from $2::bigint then
                    e.house_blocks || array(select seat from seat_claims c
                                             where c.event_id = e.id and c.released_at is null) end as taken
             from events e
            where e.id = $1 and e.inventory = 'seats'`,
    values: [id, knownVersion],
  });
  return rows[0] ?? null;
}

/**
 * Other events of the series (one name, one venue, one kind of inventory), the nearest in time first, that can be booked now and have
 * room for `quantity`; of those with seats, seats anywhere in the hall.
 */
export async function readSeries(
  db: Queryable,
  id: EventId,
  quantity: number,
  limit: number,
): Promise<{ id: EventId; starts_at: Date }[]> {
  const { rows } = await db.query<{ id: EventId; starts_at: Date }>({
    name: 'alternatives-series',
    text: `select o.id, o.starts_at
             from events e
             join venues v on v.id = e.venue_id and v.archived_at is null
             join events o on o.venue_id = e.venue_id and o.name = e.name and o.inventory = e.inventory and o.id <> e.id
            where e.id = $1
              and o.archived_at is null
              and o.cancelled_at is null
              and o.starts_at > clock.app_now()
              and not exists (select from halls h where h.id = o.hall_id and h.archived_at is not null)
              and o.capacity - o.claimed - cardinality(o.house_blocks) >= $2::int
              and (o.inventory = 'pool'
                   or o.capacity - cardinality(o.house_blocks) - $2::int
                      >= (select count(*) from seat_claims s
                           where s.event_id = o.id and s.released_at is null and s.seat <> all (o.house_blocks)))
              and coalesce(o.sales_open_at <= clock.app_now(), true)
              and coalesce(o.sales_close_at > clock.app_now(), true)
              and coalesce(o.max_per_booking >= $2::int, true)
            order by abs(extract(epoch from o.starts_at - e.starts_at)), o.starts_at, o.id
            limit $3::int`,
    values: [id, quantity, limit],
  });
  return rows;
}

export interface ResourcePictureRow {
  readonly now: Date;
  readonly rules: SlotRules;
  readonly claims: { from: number; to: number }[];
}

/** The rules of a resource and its live claims between two times, in order. */
export async function readResourcePicture(
  db: Queryable,
  id: ResourceId,
  from: Date,
  to: Date,
): Promise<ResourcePictureRow | null> {
  const { rows } = await db.query<ResourcePictureRow>({
    name: 'alternatives-slots',
    text: `select clock.app_now() as now,
                  json_build_object('timeZone', v.time_zone, 'slotMinutes', r.slot_minutes, 'minSlots', r.min_slots,
                                    'maxSlots', r.max_slots, 'openingHours', r.opening_hours,
                                    'exceptions', r.exceptions) as rules,
                  coalesce((select json_agg(json_build_object(
                              'from', extract(epoch from lower(c.during)) * 1000,
                              'to', extract(epoch from upper(c.during)) * 1000) order by lower(c.during))
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
