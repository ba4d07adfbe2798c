import type { BookingStatus } from '@holdfast/shared/contracts/bookings';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, ResourceId } from '@holdfast/shared/ids';
import { BOOKING_COLUMNS, type BookingRow } from '../bookings/booking-row.ts';
import type { SeriesId } from './series-store.ts';

/** Who or what moves an occurrence on. */
export interface Step {
  readonly reason: string;
  readonly actor: string;
  readonly cause: string;
}

/**
 * Takes waiting occurrences to HELD, with their claims. The resource is locked; what does not wait any more is left as it is. A hold
 * lasts `holdSeconds`, but not beyond the start. `announced` takes a sequence for an event of family `booking` as well. Returns the bookings after it, the earliest first.
 */
export async function holdWaiting(
  tx: Tx,
  ids: readonly BookingId[],
  holdSeconds: number,
  step: Step & { readonly announced: boolean },
): Promise<BookingRow[]> {
  const { rows } = await tx.query<BookingRow>({
    name: 'series-hold',
    text: `with waiting as (
         select id
           from bookings
          where id = any ($1::text[]) and status = 'PENDING'
          order by id
            for update
       ), changed as (
         update bookings
            set status = 'HELD',
                hold_expires_at = least(clock.app_now() + $2::float8 * interval '1 second', starts_at),
                hold_seq = hold_seq + 1, booking_seq = booking_seq + $6::int, version = version + 1, updated_at = clock.app_now()
          where id in (select id from waiting)
         returning ${BOOKING_COLUMNS}
       ), claims as (
         insert into slot_claims (resource_id, during, booking_id, claimed_at)
         select resource_id, tstzrange(starts_at, ends_at, '[)'), id, updated_at
           from changed
          order by resource_id, starts_at
       ), history as (
         insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
         select id, version, 'PENDING', 'HELD', $3, $4, $5, updated_at from changed
       ), versions as (
         update resources
            set inventory_version = inventory_version + 1
          where id in (select resource_id from changed)
       )
       select * from changed order by starts_at`,
    values: [ids, holdSeconds, step.reason, step.actor, step.cause, step.announced ? 1 : 0],
  });
  return rows;
}

/** Takes waiting occurrences, whose resource is locked, to FAILED, each for its own reason. Returns the bookings after it. */
export async function failWaiting(
  tx: Tx,
  lost: readonly { readonly id: BookingId; readonly reason: string }[],
  step: Omit<Step, 'reason'>,
): Promise<BookingRow[]> {
  return end(tx, ['PENDING'], 'FAILED', lost, step);
}

/**
 * Takes occurrences that wait or are held without a payment, whose resource is locked, to CANCELLED; their claims are the caller's to
 * release. Returns the bookings after it, the earliest first; one whose payment has begun meanwhile is not among them.
 */
export async function cancelUnpaid(tx: Tx, ids: readonly BookingId[], step: Step): Promise<BookingRow[]> {
  const { reason } = step;
  return end(
    tx,
    ['PENDING', 'HELD'],
    'CANCELLED',
    ids.map((id) => ({ id, reason })),
    step,
  );
}

async function end(
  tx: Tx,
  from: readonly BookingStatus[],
  status: 'FAILED' | 'CANCELLED',
  occurrences: readonly { readonly id: BookingId; readonly reason: string }[],
  step: Omit<Step, 'reason'>,
): Promise<BookingRow[]> {
  const { rows } = await tx.query<BookingRow>({
    name: 'series-end',
    text: `with ending as (
         select b.id, b.status as from_status, row.reason
           from bookings b
           join unnest($1::text[], $2::text[]) as row (id, reason) on row.id = b.id
          where b.status = any ($6::text[]) and b.payment_id is null
          order by b.id
            for update of b
       ), changed as (
         update bookings
            set status = $3,
                cancel_reason = case $3 when 'CANCELLED' then (select reason from ending where ending.id = bookings.id) end,
                booking_seq = booking_seq + 1, version = version + 1, updated_at = clock.app_now()
          where id in (select id from ending)
         returning ${BOOKING_COLUMNS}
       ), history as (
         insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
         select changed.id, version, ending.from_status, $3, ending.reason, $4, $5, updated_at
           from changed
           join ending on ending.id = changed.id
       )
       select * from changed order by starts_at`,
    values: [
      occurrences.map(({ id }) => id),
      occurrences.map(({ reason }) => reason),
      status,
      step.actor,
      step.cause,
      from,
    ],
  });
  return rows;
}

/** Occurrences that wait and begin within the window, the earliest first. */
export async function dueOccurrences(
  db: Queryable,
  windowSeconds: number,
  limit: number,
): Promise<{ id: BookingId; resource_id: ResourceId }[]> {
  const { rows } = await db.query<{ id: BookingId; resource_id: ResourceId }>(
    `select id, resource_id
       from bookings
      where status = 'PENDING'
        and series_id is not null
        and starts_at <= clock.app_now() + $1::float8 * interval '1 second'
      order by starts_at
      limit $2`,
    [windowSeconds, limit],
  );
  return rows;
}

/** Those of these occurrences that still wait, under the lock of their resource, the earliest first. */
export async function stillWaiting(
  tx: Tx,
  ids: readonly BookingId[],
): Promise<{ id: BookingId; starts_at: Date; ends_at: Date }[]> {
  const { rows } = await tx.query<{ id: BookingId; starts_at: Date; ends_at: Date }>(
    `select id, starts_at, ends_at
       from bookings
      where id = any ($1::text[])
        and status = 'PENDING'
      order by starts_at`,
    [ids],
  );
  return rows;
}

/** The bookings of a series that are still to come and can be cancelled, by id, and whether no payment of theirs ever began; from a local time on, or all. */
export async function cancellableOccurrences(
  tx: Tx,
  id: SeriesId,
  from: string | null,
): Promise<{ id: BookingId; unpaid: boolean }[]> {
  const { rows } = await tx.query<{ id: BookingId; unpaid: boolean }>(
    `select id, status in ('PENDING', 'HELD') and payment_id is null as unpaid
       from bookings
      where series_id = $1
        and status in ('PENDING', 'HELD', 'PAYMENT_INITIATED', 'CONFIRMED')
        and starts_at > clock.app_now()
        and ($2::timestamp is null or occurrence >= $2::timestamp)
      order by id`,
    [id, from],
  );
  return rows;
}

/** The booking of one occurrence; null for one that was left out, or that the rule does not have. */
export async function findOccurrence(db: Queryable, id: SeriesId, occurrence: string): Promise<BookingId | null> {
  const { rows } = await db.query<{ id: BookingId }>(
    `select id from bookings where series_id = $1 and occurrence = $2::timestamp`,
    [id, occurrence],
  );
  return rows[0]?.id ?? null;
}

/** Whether a booking of the series waits for the outcome of its capture to be cancelled. */
export async function waitsForCapture(db: Queryable, id: SeriesId): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from bookings
      where series_id = $1
        and status = 'PAYMENT_INITIATED'
        and pinned_at is not null
        and cancel_requested_at is not null
      limit 1`,
    [id],
  );
  return rowCount !== 0;
}
