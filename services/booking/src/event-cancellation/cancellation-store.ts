import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId } from '@holdfast/shared/ids';

export interface CancellationRow {
  readonly event_id: EventId;
  readonly state: 'RUNNING' | 'DONE';
  readonly reason: string;
  readonly requested_by: string;
  readonly request_id: string;
  readonly traceparent: string | null;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly requested_at: Date;
  readonly finished_at: Date | null;
}

const COLUMNS = `event_id, state, reason, requested_by, request_id, traceparent, total, done, failed, requested_at, finished_at`;

export async function readCancellation(db: Queryable, eventId: EventId): Promise<CancellationRow | null> {
  const { rows } = await db.query<CancellationRow>(`select ${COLUMNS} from event_cancellations where event_id = $1`, [
    eventId,
  ]);
  return rows[0] ?? null;
}

/** Closes a locked event for holds, unless it is over; null when there is none. */
export async function closeEvent(tx: Tx, eventId: EventId): Promise<'closed' | 'over' | null> {
  const { rows } = await tx.query<{ over: boolean }>(
    `select ends_at <= clock.app_now() as over from events where id = $1`,
    [eventId],
  );
  if (!rows[0]) return null;
  if (rows[0].over) return 'over';
  await tx.query(
    `update events
        set cancelled_at = clock.app_now(), inventory_version = inventory_version + 1,
            version = version + 1, updated_at = clock.app_now()
      where id = $1 and cancelled_at is null`,
    [eventId],
  );
  return 'closed';
}

/** Writes the job with every booking that is live now. The event is closed and locked, so none comes after it. */
export async function insertCancellation(
  tx: Tx,
  job: Pick<CancellationRow, 'event_id' | 'reason' | 'requested_by' | 'request_id' | 'traceparent'>,
): Promise<void> {
  await tx.query(
    `with live as (
       select id
         from bookings
        where event_id = $1
          and status in ('PENDING', 'HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')
     ), counted as (
       select count(*)::int as total, clock.app_now() as now from live
     ), job as (
       insert into event_cancellations (event_id, state, reason, requested_by, request_id, traceparent, total, next_batch_at,
                                        requested_at, finished_at)
       select $1, case total when 0 then 'DONE' else 'RUNNING' end, $2, $3, $4, $5, total, now, now,
              case total when 0 then now end
         from counted
     )
     insert into event_cancellation_bookings (event_id, booking_id, next_try_at)
     select $1, id, now from live, counted`,
    [job.event_id, job.reason, job.requested_by, job.request_id, job.traceparent],
  );
}

/** Takes what was given up on into the job again. */
export async function requeueFailed(tx: Tx, eventId: EventId): Promise<void> {
  await tx.query(
    `with again as (
       update event_cancellation_bookings
          set state = 'PENDING', tries = 0, next_try_at = clock.app_now()
        where event_id = $1 and state = 'FAILED'
       returning booking_id
     )
     update event_cancellations
        set state = 'RUNNING', finished_at = null, failed = 0
      where event_id = $1
        and exists (select from again)`,
    [eventId],
  );
}

/**
 * Gives the turn for one batch of whichever job has waited longest, or null when it is nobody's turn. Each turn puts the job's next one
 * off by `seconds`, so the pace holds for all processes together; up to a second of missed turns is caught up.
 */
export async function takeTurn(tx: Tx, seconds: number): Promise<CancellationRow | null> {
  const { rows } = await tx.query<CancellationRow>(
    `update event_cancellations
        set next_batch_at = greatest(next_batch_at, clock.app_now() - interval '1 second') + make_interval(secs => $1)
      where event_id = (select event_id
                          from event_cancellations c
                         where state = 'RUNNING'
                           and next_batch_at <= clock.app_now()
                           and exists (select from event_cancellation_bookings b
                                        where b.event_id = c.event_id
                                          and b.state = 'PENDING'
                                          and b.next_try_at <= clock.app_now())
                         order by next_batch_at
                         limit 1
                           for update skip locked)
     returning ${COLUMNS}`,
    [seconds],
  );
  return rows[0] ?? null;
}

/** Bookings of a job to look at now. No lock: whoever takes one locks it. */
export async function dueBookings(db: Queryable, eventId: EventId, limit: number): Promise<BookingId[]> {
  const { rows } = await db.query<{ booking_id: BookingId }>(
    `select booking_id
       from event_cancellation_bookings
      where event_id = $1 and state = 'PENDING' and next_try_at <= clock.app_now()
      order by next_try_at, booking_id
      limit $2`,
    [eventId, limit],
  );
  return rows.map((row) => row.booking_id);
}

/** Those of these bookings that are still to be cancelled, locked, in their order. */
export async function lockBookingsOfJob(tx: Tx, eventId: EventId, ids: readonly BookingId[]): Promise<BookingId[]> {
  const { rows } = await tx.query<{ booking_id: BookingId }>(
    `select booking_id
       from event_cancellation_bookings
      where event_id = $1 and booking_id = any ($2::text[]) and state = 'PENDING'
      order by booking_id
        for update`,
    [eventId, ids],
  );
  return rows.map((row) => row.booking_id);
}

/** Books what a batch came to; the job is DONE with its last booking. `later` are looked at again after a second. */
export async function settleBookings(
  tx: Tx,
  eventId: EventId,
  result: { readonly done: readonly BookingId[]; readonly later: readonly BookingId[] },
): Promise<void> {
  await tx.query(
    `update event_cancellation_bookings
        set state = case when booking_id = any ($2::text[]) then 'DONE' else state end,
            next_try_at = clock.app_now() + interval '1 second'
      where event_id = $1 and booking_id = any ($2::text[] || $3::text[])`,
    [eventId, result.done, result.later],
  );
  await count(tx, eventId, result.done.length, 0);
}

/** Books a failure: again after 2, 4, 8 … 60 s, and given up on after `maxTries`. */
export async function settleFailure(
  tx: Tx,
  eventId: EventId,
  failure: { readonly bookingId: BookingId; readonly error: string; readonly maxTries: number },
): Promise<void> {
  const { rows } = await tx.query<{ state: string }>(
    `update event_cancellation_bookings
        set tries = tries + 1, error = $3,
            state = case when tries + 1 >= $4 then 'FAILED' else state end,
            next_try_at = clock.app_now() + make_interval(secs => least(60, 2 ^ (tries + 1)))
      where event_id = $1 and booking_id = $2 and state = 'PENDING'
     returning state`,
    [eventId, failure.bookingId, failure.error, failure.maxTries],
  );
  await count(tx, eventId, 0, rows[0]?.state === 'FAILED' ? 1 : 0);
}

async function count(tx: Tx, eventId: EventId, done: number, failed: number): Promise<void> {
  if (done + failed === 0) return;
  await tx.query(
    `update event_cancellations
        set done = done + $2, failed = failed + $3,
            state = case when done + failed + $2 + $3 = total then 'DONE' else state end,
            finished_at = case when done + failed + $2 + $3 = total then clock.app_now() end
      where event_id = $1`,
    [eventId, done, failed],
  );
}
