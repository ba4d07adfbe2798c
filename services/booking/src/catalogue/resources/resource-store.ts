import type { Day, OpeningException } from '@holdfast/shared/contracts/catalogue';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { ResourceId, VenueId } from '@holdfast/shared/ids';
import type { ListRequest } from '../list-position.ts';

export interface OpeningHours {
  readonly day: Day;
  readonly opens: string;
  readonly closes: string;
}

/** A resource with what it takes from its venue. */
export interface ResourceRow {
  readonly id: ResourceId;
  readonly venue_id: VenueId;
  readonly name: string;
  readonly slot_minutes: number;
  readonly min_slots: number;
  readonly max_slots: number | null;
  readonly opening_hours: OpeningHours[];
  readonly exceptions: OpeningException[];
  readonly price_per_slot: bigint;
  readonly currency: string;
  readonly time_zone: string;
  readonly version: number;
  readonly archived_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface NewResource {
  readonly id: ResourceId;
  readonly venueId: VenueId;
  readonly name: string;
  readonly slotMinutes: number;
  readonly minSlots: number;
  readonly maxSlots: number | null;
  readonly openingHours: readonly OpeningHours[];
  readonly exceptions: readonly OpeningException[];
  readonly pricePerSlot: bigint;
}

const COLUMNS = `r.id, r.venue_id, r.name, r.slot_minutes, r.min_slots, r.max_slots, r.opening_hours, r.exceptions,
            r.price_per_slot, v.currency, v.time_zone, r.version, r.archived_at, r.created_at, r.updated_at`;

export async function insertResource(tx: Tx, resource: NewResource): Promise<ResourceRow> {
  const { rows } = await tx.query<ResourceRow>(
    `with r as (
       insert into resources (id, venue_id, name, slot_minutes, min_slots, max_slots, opening_hours, price_per_slot,
                              exceptions)
       values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::bigint, $9::jsonb)
       returning *
     )
     select ${COLUMNS}
       from r
       join venues v on v.id = r.venue_id`,
    [
      resource.id,
      resource.venueId,
      resource.name,
      resource.slotMinutes,
      resource.minSlots,
      resource.maxSlots,
      JSON.stringify(resource.openingHours),
      resource.pricePerSlot,
      JSON.stringify(resource.exceptions),
    ],
  );
  return rows[0]!;
}

export async function findResource(db: Queryable, id: ResourceId): Promise<ResourceRow | null> {
  const { rows } = await db.query<ResourceRow>(
    `select ${COLUMNS}
       from resources r
       join venues v on v.id = r.venue_id
      where r.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** Resources that are not archived and whose venue is not, oldest first, with the position of each. */
export async function listResourceRows(
  db: Queryable,
  { limit, after, venueId }: ListRequest,
): Promise<(ResourceRow & { created_micros: string })[]> {
  const { rows } = await db.query<ResourceRow & { created_micros: string }>(
    `select ${COLUMNS}, (extract(epoch from r.created_at) * 1000000)::bigint::text as created_micros
       from resources r
       join venues v on v.id = r.venue_id
      where r.archived_at is null
        and v.archived_at is null
        and ($4::text is null or r.venue_id = $4)
        and ($1::bigint is null
             or (r.created_at, r.id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::text))
      order by r.created_at, r.id
      limit $3::int + 1`,
    [after?.createdMicros ?? null, after?.id ?? null, limit, venueId],
  );
  return rows;
}

/** Gives a locked resource new values and its next version; false when it has another version than the one that was read. */
export async function updateResourceRow(
  tx: Tx,
  resource: Omit<NewResource, 'venueId'>,
  version: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update resources
        set name = $3, slot_minutes = $4, min_slots = $5, max_slots = $6, opening_hours = $7::jsonb,
            price_per_slot = $8::bigint, exceptions = $9::jsonb,
            inventory_version = inventory_version + 1, version = version + 1, updated_at = clock.app_now()
      where id = $1
        and version = $2`,
    [
      resource.id,
      version,
      resource.name,
      resource.slotMinutes,
      resource.minSlots,
      resource.maxSlots,
      JSON.stringify(resource.openingHours),
      resource.pricePerSlot,
      JSON.stringify(resource.exceptions),
    ],
  );
  return rowCount === 1;
}
