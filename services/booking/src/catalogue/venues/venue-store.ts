import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId, VenueId } from '@holdfast/shared/ids';
import type { ListRequest } from '../list-position.ts';

export interface RefundWindow {
  readonly hours_before: number;
  readonly percent: number;
}

export interface VenueRow {
  readonly id: VenueId;
  readonly name: string;
  readonly address: string | null;
  readonly time_zone: string;
  readonly currency: string;
  readonly refund_policy: RefundWindow[];
  readonly version: number;
  readonly archived_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface NewVenue {
  readonly id: VenueId;
  readonly name: string;
  readonly address: string | null;
  readonly timeZone: string;
  readonly currency: string;
  /** Null: the policy that the table has as its default. */
  readonly refundPolicy: readonly RefundWindow[] | null;
}

const COLUMNS = 'id, name, address, time_zone, currency, refund_policy, version, archived_at, created_at, updated_at';

export async function insertVenue(tx: Tx, venue: NewVenue): Promise<VenueRow> {
  const policy = venue.refundPolicy === null ? 'default' : '$6::jsonb';
  const { rows } = await tx.query<VenueRow>(
    `insert into venues (id, name, time_zone, currency, address, refund_policy)
     values ($1, $2, $3, $4, $5, ${policy})
     returning ${COLUMNS}`,
    [
      venue.id,
      venue.name,
      venue.timeZone,
      venue.currency,
      venue.address,
      ...(venue.refundPolicy === null ? [] : [JSON.stringify(venue.refundPolicy)]),
    ],
  );
  return rows[0]!;
}

export async function findVenue(db: Queryable, id: VenueId): Promise<VenueRow | null> {
  const { rows } = await db.query<VenueRow>(`select ${COLUMNS} from venues where id = $1`, [id]);
  return rows[0] ?? null;
}

/** The venue with a lock that keeps it from being archived until the transaction ends, so that nothing new refers to an archived one. */
export async function lockVenueForReference(tx: Tx, id: VenueId): Promise<VenueRow | null> {
  const { rows } = await tx.query<VenueRow>(`select ${COLUMNS} from venues where id = $1 for share`, [id]);
  return rows[0] ?? null;
}

/** Venues that are not archived, oldest first, with the position of each. */
export async function listVenueRows(
  db: Queryable,
  { limit, after }: Omit<ListRequest, 'venueId'>,
): Promise<(VenueRow & { created_micros: string })[]> {
  const { rows } = await db.query<VenueRow & { created_micros: string }>(
    `select ${COLUMNS}, (extract(epoch from created_at) * 1000000)::bigint::text as created_micros
       from venues
      where archived_at is null
        and ($1::bigint is null
             or (created_at, id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::text))
      order by created_at, id
      limit $3::int + 1`,
    [after?.createdMicros ?? null, after?.id ?? null, limit],
  );
  return rows;
}

/** The venue with the lock of a change: nothing new can refer to it before the transaction ends. */
export async function lockVenueForChange(tx: Tx, id: VenueId): Promise<VenueRow | null> {
  const { rows } = await tx.query<VenueRow>(`select ${COLUMNS} from venues where id = $1 for no key update`, [id]);
  return rows[0] ?? null;
}

/** Gives a locked venue new values and its next version; null when it has another version than the one that was read. */
export async function updateVenueRow(tx: Tx, venue: NewVenue, version: number): Promise<VenueRow | null> {
  const policy = venue.refundPolicy === null ? 'default' : '$7::jsonb';
  const { rows } = await tx.query<VenueRow>(
    `update venues
        set name = $3, time_zone = $4, currency = $5, address = $6, refund_policy = ${policy},
            version = version + 1, updated_at = clock.app_now()
      where id = $1
        and version = $2
     returning ${COLUMNS}`,
    [
      venue.id,
      version,
      venue.name,
      venue.timeZone,
      venue.currency,
      venue.address,
      ...(venue.refundPolicy === null ? [] : [JSON.stringify(venue.refundPolicy)]),
    ],
  );
  return rows[0] ?? null;
}

/** Whether anything in the venue has a price in its currency, archived or not. */
export async function venueSellsSomething(tx: Tx, id: VenueId): Promise<boolean> {
  const { rows } = await tx.query<{ sells: boolean }>(
    `select exists (select from resources where venue_id = $1)
         or exists (select from events where venue_id = $1) as sells`,
    [id],
  );
  return rows[0]!.sells;
}

/** What can be booked in the venue and is not over. */
export async function inventoryOfVenue(
  tx: Tx,
  id: VenueId,
): Promise<{ eventIds: EventId[]; resourceIds: ResourceId[] }> {
  const { rows } = await tx.query<{ event_ids: EventId[]; resource_ids: ResourceId[] }>(
    `select array(select id from events where venue_id = $1 and ends_at > clock.app_now()) as event_ids,
            array(select id from resources where venue_id = $1) as resource_ids`,
    [id],
  );
  return { eventIds: rows[0]!.event_ids, resourceIds: rows[0]!.resource_ids };
}
