import { byIds } from '@holdfast/shared/db/by-ids';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingStatus, PaymentStatus } from '@holdfast/shared/contracts/bookings';
import type { BookingId, PaymentId, UserId } from '@holdfast/shared/ids';
import { checkTransition } from './booking.ts';
import { BOOKING_COLUMNS, type BookingRow } from './booking-row.ts';
import type { RefundRule } from './refund-policy.ts';

export interface Transition {
  readonly to: BookingStatus;
  readonly reason: string;
  /** A user's id, or `system`. */
  readonly actor: string;
  /** Id of the request or message that led to it. */
  readonly cause: string;
}

/** The booking and business time, read together: `now` is what an answer calls `server_now`. */
export interface ReadBooking {
  readonly row: BookingRow;
  readonly now: Date;
}

/** One booking, without a lock. `userId` null reads anybody's. */
export async function readBooking(
  db: Queryable,
  by: { readonly id: BookingId } | { readonly reference: string },
  userId: UserId | null,
): Promise<ReadBooking | null> {
  const [column, value] = 'id' in by ? ['id', by.id] : ['reference', by.reference];
  const { rows } = await db.query<BookingRow & { now: Date }>(
    `select ${BOOKING_COLUMNS}, clock.app_now() as now
       from bookings
      where ${column} = $1
        and ($2::text is null or user_id = $2)`,
    [value, userId],
  );
  return rows[0] ? { row: rows[0], now: rows[0].now } : null;
}

/** Locks one booking; inventory, where it is going to change, was locked before (lock order: inventory, booking, saga). */
export async function lockBooking(tx: Tx, id: BookingId): Promise<ReadBooking | null> {
  const { rows } = await tx.query(`select from bookings where id = $1 for update`, [id]);
  // The row is read in a statement of its own, after the lock: its time is not older than what it waited for.
  return rows.length === 0 ? null : readBooking(tx, { id }, null);
}

/** Locks these bookings, each by id, and reads them; those that there are not are missing. */
export async function lockBookings(tx: Tx, ids: readonly BookingId[]): Promise<Map<BookingId, ReadBooking>> {
  if (ids.length === 0) return new Map();
  await tx.query(
    byIds('bookings-lock', ids, (these) => `select from bookings where id ${these} order by id for update`),
  );
  // Read in a statement of its own, after the locks: its time is not older than what it waited for.
  const { rows } = await tx.query<BookingRow & { now: Date }>(
    byIds(
      'bookings-read',
      ids,
      (these) => `select ${BOOKING_COLUMNS}, (select clock.app_now()) as now from bookings where id ${these}`,
    ),
  );
  return new Map(rows.map((row) => [row.id, { row, now: row.now }]));
}

/**
 * Takes a locked booking to another state: one UPDATE that names the old one, and its history row. Returns the booking after it.
 * @throws Error when the state machine forbids it: callers decide before they come here, so that is a bug.
 */
export async function transition(tx: Tx, row: BookingRow, step: Transition): Promise<BookingRow> {
  const verdict = checkTransition(row.status, step.to, { pinned: row.pinned_at !== null, price: row.price_amount });
  if (!verdict.ok) throw new Error(`booking ${row.id}: ${row.status} to ${step.to} refused: ${verdict.refusal}`);
  const { rows } = await tx.query<BookingRow>(
    `with changed as (
       update bookings
          set status = $3, version = version + 1, updated_at = clock.app_now()
        where id = $1 and status = $2
       returning ${BOOKING_COLUMNS}
     ), history as (
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select id, version, $2, $3, $4, $5, $6, updated_at from changed
     )
     select * from changed`,
    [row.id, row.status, step.to, step.reason, step.actor, step.cause],
  );
  if (!rows[0]) throw new Error(`booking ${row.id} left ${row.status} under our lock`);
  return rows[0];
}

/** Fields that change beside the state. Absent ones stay as they are. */
export interface BookingChanges {
  hold_expires_at?: Date;
  extended_at?: Date;
  pinned_at?: Date | null;
  cancel_requested_at?: Date;
  cancel_reason?: string;
  cancel_refund?: RefundRule;
  checked_in_at?: Date;
  attended?: boolean;
  payment_id?: PaymentId;
  payment_status?: PaymentStatus;
  payment_attempt?: number;
  payment_decline_reason?: string | null;
  payment_redirect_url?: string | null;
  refund_id?: string;
  refund_status?: string;
  refund_amount?: bigint;
}

const CHANGEABLE: readonly (keyof BookingChanges)[] = [
  'hold_expires_at',
  'extended_at',
  'pinned_at',
  'cancel_requested_at',
  'cancel_reason',
  'cancel_refund',
  'checked_in_at',
  'attended',
  'payment_id',
  'payment_status',
  'payment_attempt',
  'payment_decline_reason',
  'payment_redirect_url',
  'refund_id',
  'refund_status',
  'refund_amount',
];

/** Changes fields of a locked booking and returns it as it is then. */
export async function changeBooking(tx: Tx, id: BookingId, changes: BookingChanges): Promise<BookingRow> {
  const columns = CHANGEABLE.filter((column) => changes[column] !== undefined);
  const assignments = columns.map((column, index) => `${column} = $${index + 2}`);
  const { rows } = await tx.query<BookingRow>(
    `update bookings
        set ${[...assignments, 'version = version + 1', 'updated_at = clock.app_now()'].join(', ')}
      where id = $1
      returning ${BOOKING_COLUMNS}`,
    [id, ...columns.map((column) => changes[column])],
  );
  return rows[0]!;
}

/** Takes the next sequence of a locked booking's event family and returns the booking with it. */
export async function nextSequence(
  tx: Tx,
  id: BookingId,
  family: 'hold' | 'booking' | 'checkout',
): Promise<BookingRow> {
  const { rows } = await tx.query<BookingRow>(
    `update bookings set ${family}_seq = ${family}_seq + 1 where id = $1 returning ${BOOKING_COLUMNS}`,
    [id],
  );
  return rows[0]!;
}

export interface HistoryRow {
  from_status: BookingStatus | null;
  to_status: BookingStatus;
  reason: string;
  actor: string;
  cause: string;
  at: Date;
}

/** The transitions of a booking, oldest first. */
export async function readHistory(db: Queryable, id: BookingId): Promise<HistoryRow[]> {
  const { rows } = await db.query<HistoryRow>(
    `select from_status, to_status, reason, actor, cause, at
       from booking_history
      where booking_id = $1
      order by version`,
    [id],
  );
  return rows;
}

export interface BookingFilter {
  /** Null lists everybody's. */
  readonly userId: UserId | null;
  readonly status: BookingStatus | null;
  /** Bounds of `starts_at`, from inclusive, to exclusive. */
  readonly from: Date | null;
  readonly to: Date | null;
  readonly after: readonly [createdAt: string, id: string] | null;
  readonly limit: number;
}

/** Newest first; one row more than the limit when there are more. `cursor_at` keeps the microseconds that a Date would drop. */
export async function listBookings(
  db: Queryable,
  filter: BookingFilter,
): Promise<{ rows: (BookingRow & { cursor_at: string })[]; now: Date }> {
  const { rows } = await db.query<BookingRow & { now: Date; cursor_at: string }>(
    `select ${BOOKING_COLUMNS}, clock.app_now() as now, created_at::text as cursor_at
       from bookings
      where ($1::text is null or user_id = $1)
        and ($2::text is null or status = $2)
        and ($3::timestamptz is null or starts_at >= $3)
        and ($4::timestamptz is null or starts_at < $4)
        and ($5::timestamptz is null or (created_at, id) < ($5, $6))
      order by created_at desc, id desc
      limit $7`,
    [
      filter.userId,
      filter.status,
      filter.from,
      filter.to,
      filter.after?.[0] ?? null,
      filter.after?.[1] ?? null,
      filter.limit + 1,
    ],
  );
  return { rows, now: rows[0]?.now ?? new Date() };
}

/** Confirmed bookings of a user that have not ended, soonest first. */
export async function listUpcoming(
  db: Queryable,
  userId: UserId,
  after: readonly [startsAt: string, id: string] | null,
  limit: number,
): Promise<{ rows: (BookingRow & { cursor_at: string })[]; now: Date }> {
  const { rows } = await db.query<BookingRow & { now: Date; cursor_at: string }>(
    `select ${BOOKING_COLUMNS}, clock.app_now() as now, starts_at::text as cursor_at
       from bookings
      where user_id = $1
        and status in ('CONFIRMED', 'CHECKED_IN')
        and ends_at > clock.app_now()
        and ($2::timestamptz is null or (starts_at, id) > ($2, $3))
      order by starts_at, id
      limit $4`,
    [userId, after?.[0] ?? null, after?.[1] ?? null, limit + 1],
  );
  return { rows, now: rows[0]?.now ?? new Date() };
}
