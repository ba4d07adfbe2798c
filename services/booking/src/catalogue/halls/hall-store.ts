import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { EventId, HallId, VenueId } from '@holdfast/shared/ids';
import type { HallRow as SeatRow } from '../../inventory/hall-layout.ts';
import type { ListRequest } from '../list-position.ts';

export interface HallRow {
  readonly id: HallId;
  readonly venue_id: VenueId;
  readonly name: string;
  /** From the front. */
  readonly rows: SeatRow[];
  readonly seat_count: number;
  readonly version: number;
  readonly archived_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface NewHall {
  readonly id: HallId;
  readonly venueId: VenueId;
  readonly name: string;
  readonly rows: readonly SeatRow[];
  readonly seatCount: number;
}

const COLUMNS = 'id, venue_id, name, rows, seat_count, version, archived_at, created_at, updated_at';

export async function insertHall(tx: Tx, hall: NewHall): Promise<HallRow> {
  const { rows } = await tx.query<HallRow>(
    `insert into halls (id, venue_id, name, rows, seat_count)
     values ($1, $2, $3, $4::jsonb, $5)
     returning ${COLUMNS}`,
    [hall.id, hall.venueId, hall.name, JSON.stringify(hall.rows), hall.seatCount],
  );
  return rows[0]!;
}

export async function findHall(db: Queryable, id: HallId): Promise<HallRow | null> {
  const { rows } = await db.query<HallRow>(`select ${COLUMNS} from halls where id = $1`, [id]);
  return rows[0] ?? null;
}

/** The hall with a lock that keeps it from being changed or archived until the transaction ends. */
export async function lockHallForReference(tx: Tx, id: HallId): Promise<HallRow | null> {
  const { rows } = await tx.query<HallRow>(`select ${COLUMNS} from halls where id = $1 for share`, [id]);
  return rows[0] ?? null;
}

/** Halls that are not archived and whose venue is not, oldest first, with the position of each. */
export async function listHallRows(
  db: Queryable,
  { limit, after, venueId }: ListRequest,
): Promise<(HallRow & { created_micros: string })[]> {
  const { rows } = await db.query<HallRow & { created_micros: string }>(
    `select ${COLUMNS}, (extract(epoch from created_at) * 1000000)::bigint::text as created_micros
       from halls
      where archived_at is null
        and not exists (select from venues v where v.id = halls.venue_id and v.archived_at is not null)
        and ($4::text is null or venue_id = $4)
        and ($1::bigint is null
             or (created_at, id) > (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::text))
      order by created_at, id
      limit $3::int + 1`,
    [after?.createdMicros ?? null, after?.id ?? null, limit, venueId],
  );
  return rows;
}

/** The hall with the lock of a change: no event can be put into it before the transaction ends. */
export async function lockHallForChange(tx: Tx, id: HallId): Promise<HallRow | null> {
  const { rows } = await tx.query<HallRow>(`select ${COLUMNS} from halls where id = $1 for no key update`, [id]);
  return rows[0] ?? null;
}

/** Gives a locked hall new values and its next version; null when it has another version than the one that was read. */
export async function updateHallRow(tx: Tx, hall: Omit<NewHall, 'venueId'>, version: number): Promise<HallRow | null> {
  const { rows } = await tx.query<HallRow>(
    `update halls
        set name = $3, rows = $4::jsonb, seat_count = $5, version = version + 1, updated_at = clock.app_now()
      where id = $1
        and version = $2
     returning ${COLUMNS}`,
    [hall.id, version, hall.name, JSON.stringify(hall.rows), hall.seatCount],
  );
  return rows[0] ?? null;
}

/** Keeps the rows that a hall has now for the events that sold them. */
export async function keepPastRows(tx: Tx, id: HallId): Promise<void> {
  await tx.query(
    `insert into hall_past_rows (hall_id, last_version, rows)
     select id, version, rows from halls where id = $1`,
    [id],
  );
}

/** Events in the hall that are neither over nor archived. */
export async function countUpcomingEvents(tx: Tx, id: HallId): Promise<number> {
  const { rows } = await tx.query<{ upcoming: number }>(
    `select count(*)::int as upcoming
       from events
      where hall_id = $1
        and archived_at is null
        and ends_at > clock.app_now()`,
    [id],
  );
  return rows[0]!.upcoming;
}

/** Events in the hall that are not over. */
export async function eventsOfHall(tx: Tx, id: HallId): Promise<EventId[]> {
  const { rows } = await tx.query<{ id: EventId }>(
    'select id from events where hall_id = $1 and ends_at > clock.app_now()',
    [id],
  );
  return rows.map((row) => row.id);
}
