import type { WaitlistStatus } from '@holdfast/shared/contracts/waitlist';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId, UserId } from '@holdfast/shared/ids';
import { BOOKING_COLUMNS, NEW_BOOKING_COLUMNS, toBookingRecord, type BookingRow } from '../bookings/booking-row.ts';
import type { WaitRequest } from '../holds/hold-request.ts';
import type { EntryId, EntryRow } from './entry-row.ts';

export interface NewEntry {
  readonly id: EntryId;
  readonly request: WaitRequest;
  readonly minQuantity: number;
  /** PENDING, of this entry. */
  readonly booking: BookingRow;
  readonly cause: string;
}

/**
 * Writes an entry with its PENDING booking, under the lock of what is waited for: the entry gets its place in line here.
 * @throws the database's refusal of a second wait for the same thing.
 */
export async function insertEntry(tx: Tx, { id, request, minQuantity, booking, cause }: NewEntry): Promise<void> {
  await tx.query(
    `with booking as (
       insert into bookings (${NEW_BOOKING_COLUMNS})
       select ${NEW_BOOKING_COLUMNS}
         from json_populate_record(null::bookings, $1::json)
     )
     insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
     values ($2, 1, null, 'PENDING', 'joined the waitlist', $3, $4, $5)`,
    [JSON.stringify(toBookingRecord(booking)), booking.id, booking.user_id, cause, booking.created_at],
  );
  const [places, time] = request.kind === 'quantity' ? [request, null] : [null, request];
  await tx.query(
    `insert into waitlist_entries (id, booking_id, user_id, event_id, resource_id, quantity, min_quantity, category, starts_at, ends_at,
                                   created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
    [
      id,
      booking.id,
      booking.user_id,
      places?.eventId ?? null,
      time?.resourceId ?? null,
      places?.quantity ?? 1,
      minQuantity,
      places?.category ?? null,
      time?.startsAt ?? null,
      time?.endsAt ?? null,
      booking.created_at,
    ],
  );
}

/** How many things a user waits for. To rely on the number, lock the user's holder first. */
export async function countWaits(tx: Tx, userId: UserId): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*)::int as n from waitlist_entries where user_id = $1 and status = 'WAITING'`,
    [userId],
  );
  return rows[0]!.n;
}

export interface EntryFilter {
  readonly id?: EntryId;
  /** Null lists everybody's. */
  readonly userId: UserId | null;
  readonly status?: WaitlistStatus | undefined;
  readonly eventId?: EventId | undefined;
  readonly resourceId?: ResourceId | undefined;
  /** After the entry with this number. */
  readonly after?: string | null;
  readonly limit: number;
}

/** Entries in the order of their lines, one more than the limit when there are more, and business time. */
export async function readEntries(db: Queryable, filter: EntryFilter): Promise<{ rows: EntryRow[]; now: Date }> {
  const { rows } = await db.query<EntryRow & { now: Date }>(
    `select ${BOOKING_COLUMNS}, entry_id, entry_status, entry_seq, wanted, min_quantity, category, offered_at, joined_at, changed_at,
            case when entry_status = 'WAITING' then 1
              + (select count(*)::int from waitlist_entries o
                  where o.event_id = line_event and o.status = 'WAITING' and o.seq < entry_seq)
              + (select count(*)::int from waitlist_entries o
                  where o.resource_id = line_resource and o.status = 'WAITING' and o.seq < entry_seq
                    and o.starts_at < wanted_until and o.ends_at > wanted_from) end as position,
            clock.app_now() as now
       from (select id as entry_id, booking_id, status as entry_status, seq as entry_seq, quantity as wanted, min_quantity, category,
                    event_id as line_event, resource_id as line_resource, starts_at as wanted_from, ends_at as wanted_until,
                    offered_at, created_at as joined_at, updated_at as changed_at
               from waitlist_entries
              where ($1::text is null or id = $1)
                and ($2::text is null or user_id = $2)
                and ($3::text is null or status = $3)
                and ($4::text is null or event_id = $4)
                and ($5::text is null or resource_id = $5)
                and ($6::bigint is null or seq > $6)
              order by seq
              limit $7) entries
       join bookings on bookings.id = entries.booking_id
      order by entry_seq`,
    [
      filter.id ?? null,
      filter.userId,
      filter.status ?? null,
      filter.eventId ?? null,
      filter.resourceId ?? null,
      filter.after ?? null,
      filter.limit + 1,
    ],
  );
  return { rows, now: rows[0]?.now ?? new Date() };
}

/** A line that may have something to give. */
export interface DueLine {
  readonly event_id: EventId | null;
  readonly resource_id: ResourceId | null;
}

/** Lines whose inventory has changed since they were served, of what is on sale now. No lock: whoever serves one locks it. */
export async function dueLines(db: Queryable, limit: number): Promise<DueLine[]> {
  const { rows } = await db.query<DueLine>({
    name: 'waitlist-due',
    text: `select e.id as event_id, null as resource_id
             from events e
             join venues v on v.id = e.venue_id
             left join halls h on h.id = e.hall_id
            where e.waiting > 0
              and e.line_version < e.inventory_version
              and coalesce(e.archived_at, v.archived_at, h.archived_at, e.cancelled_at) is null
              and coalesce(e.sales_open_at <= clock.app_now(), true)
              and coalesce(e.sales_close_at > clock.app_now(), true)
              and e.ends_at > clock.app_now()
            union all
           select null, r.id
             from resources r
             join venues v on v.id = r.venue_id
            where r.waiting > 0
              and r.line_version < r.inventory_version
              and coalesce(r.archived_at, v.archived_at) is null
            limit $1::int`,
    values: [limit],
  });
  return rows;
}

/** What can no longer be had: the event is off sale or over (its cancellation looks after its own), or the time has begun. */
const TOO_LATE = `
  w.status = 'WAITING'
  and case when w.event_id is null then w.starts_at <= clock.app_now()
           else e.cancelled_at is null and least(coalesce(e.sales_close_at, e.ends_at), e.ends_at) <= clock.app_now() end`;

/** Entries that wait in vain. */
export async function entriesTooLate(
  db: Queryable,
  limit: number,
): Promise<(DueLine & { booking_id: BookingRow['id'] })[]> {
  const { rows } = await db.query<DueLine & { booking_id: BookingRow['id'] }>({
    name: 'waitlist-too-late',
    text: `select w.booking_id, w.event_id, w.resource_id
             from events e
             join waitlist_entries w on w.event_id = e.id
            where e.waiting > 0
              and ${TOO_LATE}
            union all
           select w.booking_id, w.event_id, w.resource_id
             from resources r
             join waitlist_entries w on w.resource_id = r.id
             left join events e on false
            where r.waiting > 0
              and ${TOO_LATE}
            limit $1::int`,
    values: [limit],
  });
  return rows;
}

/** Takes PENDING bookings whose entries wait in vain to EXPIRED, with their history; the inventory is locked. Returns them. */
export async function expireTooLate(tx: Tx, bookingIds: readonly string[], cause: string): Promise<BookingRow[]> {
  const { rows } = await tx.query<BookingRow>(
    `with late as (
       select b.id
         from bookings b
         join waitlist_entries w on w.booking_id = b.id
         left join events e on e.id = w.event_id
        where b.id = any ($1::text[])
          and b.status = 'PENDING'
          and ${TOO_LATE}
        order by b.id
          for update of b
     ), changed as (
       update bookings
          set status = 'EXPIRED', version = version + 1, booking_seq = booking_seq + 1, updated_at = clock.app_now()
        where id in (select id from late)
       returning ${BOOKING_COLUMNS}
     ), history as (
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select id, version, 'PENDING', 'EXPIRED', 'the line closed without an offer', 'system', $2, updated_at from changed
     )
     select * from changed`,
    [bookingIds, cause],
  );
  return rows;
}
