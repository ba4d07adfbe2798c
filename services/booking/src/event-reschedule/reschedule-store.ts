import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId } from '@holdfast/shared/ids';
import { BOOKING_COLUMNS, type BookingRow } from '../bookings/booking-row.ts';
import type { RefundRule } from '../bookings/refund-policy.ts';

export interface RescheduleRow {
  readonly event_id: EventId;
  readonly number: number;
  readonly state: 'RUNNING' | 'DONE' | 'SUPERSEDED';
  readonly reason: string;
  readonly refund: RefundRule;
  readonly from_starts_at: Date;
  readonly from_ends_at: Date;
  readonly to_starts_at: Date;
  readonly to_ends_at: Date;
  readonly requested_by: string;
  readonly request_id: string;
  readonly traceparent: string | null;
  readonly total: number;
  readonly done: number;
  readonly requested_at: Date;
  readonly finished_at: Date | null;
}

const COLUMNS = `event_id, number, state, reason, refund, from_starts_at, from_ends_at, to_starts_at, to_ends_at, requested_by,
            request_id, traceparent, total, done, requested_at, finished_at`;

/** The last time that an event was moved; null for one that never was. */
export async function readLatestReschedule(db: Queryable, eventId: EventId): Promise<RescheduleRow | null> {
  const { rows } = await db.query<RescheduleRow>(
    `select ${COLUMNS} from event_reschedules where event_id = $1 order by number desc limit 1`,
    [eventId],
  );
  return rows[0] ?? null;
}

export interface EventSchedule {
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly sales_open_at: Date | null;
  readonly sales_close_at: Date | null;
}

/** When an event takes place and is sold, and what stands against moving it. */
export async function readSchedule(
  db: Queryable,
  eventId: EventId,
): Promise<(EventSchedule & { now: Date; cancelled: boolean; archived: boolean }) | null> {
  const { rows } = await db.query<EventSchedule & { now: Date; cancelled: boolean; archived: boolean }>(
    `select starts_at, ends_at, sales_open_at, sales_close_at, clock.app_now() as now,
            cancelled_at is not null as cancelled, archived_at is not null as archived
       from events
      where id = $1`,
    [eventId],
  );
  return rows[0] ?? null;
}

/** Gives a locked event its new time; availability and the event have a new version with it. */
export async function moveEvent(tx: Tx, eventId: EventId, to: EventSchedule): Promise<void> {
  await tx.query(
    `update events
        set starts_at = $2, ends_at = $3, sales_open_at = $4, sales_close_at = $5,
            inventory_version = inventory_version + 1, version = version + 1, updated_at = clock.app_now()
      where id = $1 and cancelled_at is null`,
    [eventId, to.starts_at, to.ends_at, to.sales_open_at, to.sales_close_at],
  );
}

/**
 * Writes the job with every booking of a locked event that stands, and those that expired with a payment under way: one of them may
 * still come back. A booking that has not followed an earlier move goes on waiting, with the better of the two refunds.
 */
export async function insertReschedule(
  tx: Tx,
  job: Pick<RescheduleRow, 'event_id' | 'reason' | 'refund' | 'requested_by' | 'request_id' | 'traceparent'> & {
    readonly from: EventSchedule;
    readonly to: EventSchedule;
  },
): Promise<void> {
  await stopRunning(tx, job.event_id);
  await tx.query(
    `insert into bookings_to_move (booking_id, event_id, refund)
     select id, $1, $2
       from bookings
      where event_id = $1
        and (status in ('PENDING', 'HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')
             or status = 'EXPIRED' and payment_id is not null)
     on conflict (booking_id) do update
        set refund = case when 'full' in (bookings_to_move.refund, excluded.refund) then 'full' else 'policy' end`,
    [job.event_id, job.refund],
  );
  await tx.query(
    `with counted as (
       select count(*)::int as total, clock.app_now() as now,
              (select coalesce(max(number), 0) + 1 from event_reschedules where event_id = $1) as number
         from bookings_to_move
        where event_id = $1
     )
     insert into event_reschedules (event_id, number, state, reason, refund, from_starts_at, from_ends_at, to_starts_at, to_ends_at,
                                    requested_by, request_id, traceparent, total, next_batch_at, requested_at, finished_at)
     select $1, number, case total when 0 then 'DONE' else 'RUNNING' end, $2, $3, $4, $5, $6, $7, $8, $9, $10, total, now, now,
            case total when 0 then now end
       from counted`,
    [
      job.event_id,
      job.reason,
      job.refund,
      job.from.starts_at,
      job.from.ends_at,
      job.to.starts_at,
      job.to.ends_at,
      job.requested_by,
      job.request_id,
      job.traceparent,
    ],
  );
}

async function stopRunning(tx: Tx, eventId: EventId): Promise<void> {
  await tx.query(
    `update event_reschedules
        set state = 'SUPERSEDED', finished_at = clock.app_now()
      where event_id = $1 and state = 'RUNNING'`,
    [eventId],
  );
}

/** Ends the job of a locked event: what has not followed stays where it is. */
export async function dropReschedule(tx: Tx, eventId: EventId): Promise<void> {
  await tx.query('delete from bookings_to_move where event_id = $1', [eventId]);
  await stopRunning(tx, eventId);
}

/**
 * Gives the turn for one batch of whichever job has waited longest, or null when it is nobody's turn. Each turn puts the job's next one
 * off by `seconds`, so the pace holds for all processes together; up to a second of missed turns is caught up.
 */
export async function takeTurn(tx: Tx, seconds: number): Promise<EventId | null> {
  const { rows } = await tx.query<{ event_id: EventId }>(
    `update event_reschedules
        set next_batch_at = greatest(next_batch_at, clock.app_now() - interval '1 second') + make_interval(secs => $1)
      where (event_id, number) = (select event_id, number
                                    from event_reschedules
                                   where state = 'RUNNING'
                                     and next_batch_at <= clock.app_now()
                                   order by next_batch_at
                                   limit 1
                                     for update skip locked)
     returning event_id`,
    [seconds],
  );
  return rows[0]?.event_id ?? null;
}

/** A booking that has followed its event, with the time that it had before. */
export type MovedBooking = BookingRow & { readonly was_starts_at: Date; readonly was_ends_at: Date };

/** Which of the bookings that wait: the next ones by id, or this one. */
export type Waiting = { readonly next: number } | { readonly booking: BookingId };

interface WaitingRow {
  readonly booking_id: BookingId;
  readonly refund: RefundRule;
}

/** Takes bookings of a locked event off the list. */
export async function takeWaiting(tx: Tx, eventId: EventId, which: Waiting): Promise<WaitingRow[]> {
  const { rows } = await tx.query<WaitingRow>(
    `delete from bookings_to_move
      where booking_id in (select booking_id
                             from bookings_to_move
                            where event_id = $1 and ($2::text is null or booking_id = $2)
                            order by booking_id
                            limit $3
                              for update)
     returning booking_id, refund`,
    [eventId, 'booking' in which ? which.booking : null, 'next' in which ? which.next : 1],
  );
  return rows;
}

/**
 * Gives these bookings the time of their locked event. Those that have ended since, or that have its time already, stay as they are.
 * `told` are the states whose customers learn of it: the next sequence of their family `booking` is taken.
 */
export async function moveRows(
  tx: Tx,
  eventId: EventId,
  waiting: readonly WaitingRow[],
  told: readonly string[],
): Promise<MovedBooking[]> {
  const ids = waiting.map((row) => row.booking_id);
  // Locked in a statement of its own, so that the next one sees what it waited for.
  const before = await tx.query<{ id: BookingId; starts_at: Date; ends_at: Date }>(
    'select id, starts_at, ends_at from bookings where id = any ($1::text[]) order by id for update',
    [ids],
  );
  const { rows } = await tx.query<BookingRow>(
    `update bookings
        set starts_at = (select starts_at from events where id = $1),
            ends_at = (select ends_at from events where id = $1),
            refund_starts_at = greatest(coalesce(refund_starts_at, starts_at), (select starts_at from events where id = $1)),
            moved_refund = case when moved_refund = 'full' then 'full'
                                else (select refund from unnest($2::text[], $3::text[]) as due (booking_id, refund)
                                       where due.booking_id = bookings.id) end,
            moved_count = moved_count + 1,
            booking_seq = booking_seq + case when status = any ($4::text[]) then 1 else 0 end,
            version = version + 1, updated_at = clock.app_now()
      where id = any ($2::text[])
        and (status in ('PENDING', 'HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')
             or status = 'EXPIRED' and payment_id is not null)
        and (starts_at, ends_at) <> (select starts_at, ends_at from events where id = $1)
     returning ${BOOKING_COLUMNS}`,
    [eventId, ids, waiting.map((row) => row.refund), told],
  );
  const was = new Map(before.rows.map((row) => [row.id, row]));
  return rows.map((row) => {
    const { starts_at, ends_at } = was.get(row.id)!;
    return { ...row, was_starts_at: starts_at, was_ends_at: ends_at };
  });
}

/** Gives the event's time to bookings that expired with a payment under way: one of them may come back. */
export async function moveExpired(tx: Tx, eventId: EventId): Promise<void> {
  await tx.query(
    `update bookings
        set starts_at = (select starts_at from events where id = $1),
            ends_at = (select ends_at from events where id = $1),
            version = version + 1, updated_at = clock.app_now()
      where event_id = $1
        and status = 'EXPIRED'
        and payment_id is not null`,
    [eventId],
  );
}

/** Counts what a batch has settled; the job is DONE when nothing of its event waits any more. */
export async function countSettled(tx: Tx, eventId: EventId, settled: number): Promise<void> {
  await tx.query(
    `update event_reschedules r
        set done = done + $2,
            state = case when w.waits then state else 'DONE' end,
            finished_at = case when w.waits then null else clock.app_now() end
       from (select exists (select from bookings_to_move where event_id = $1) as waits) w
      where r.event_id = $1 and r.state = 'RUNNING'`,
    [eventId, settled],
  );
}

/** The move that a booking has not followed yet, if there is one. */
export async function readWaitingMove(
  db: Queryable,
  bookingId: BookingId,
): Promise<{ starts_at: Date; ends_at: Date; refund: RefundRule } | null> {
  const { rows } = await db.query<{ starts_at: Date; ends_at: Date; refund: RefundRule }>(
    `select e.starts_at, e.ends_at, w.refund
       from bookings_to_move w
       join events e on e.id = w.event_id
      where w.booking_id = $1`,
    [bookingId],
  );
  return rows[0] ?? null;
}
