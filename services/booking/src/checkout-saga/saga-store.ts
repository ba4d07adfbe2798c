import { byIds } from '@holdfast/shared/db/by-ids';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, Id, PaymentId } from '@holdfast/shared/ids';
import type { BookingRow } from '../bookings/booking-row.ts';
import type { SagaState, SagaStep } from './checkout-saga.ts';

export interface SagaRow {
  readonly booking_id: BookingId;
  readonly state: SagaState;
  readonly payment_id: PaymentId;
  readonly attempt: number;
  readonly payment_method: string;
  readonly allow_equivalent: boolean;
  /** What must be done to take back the step under way. */
  readonly undo: 'void' | 'refund' | null;
  readonly refund_id: Id<'rfd'> | null;
  readonly refund_amount: bigint | null;
  /** How often the step under way was asked for again. */
  readonly tries: number;
  readonly next_action_at: Date | null;
  /** By when the answer should be there. */
  readonly deadline_at: Date | null;
  readonly last_error: string | null;
  readonly stuck_reason: string | null;
  readonly stuck_in: SagaState | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** What became of a payment attempt. */
export interface AttemptOutcome {
  readonly attempt: number;
  readonly outcome: NonNullable<SagaStep['outcome']>;
  readonly decline_reason: string | null;
}

export const SAGA_COLUMNS = `
  booking_id, state, payment_id, attempt, payment_method, allow_equivalent, undo, refund_id, refund_amount, tries, next_action_at,
  deadline_at, last_error, stuck_reason, stuck_in, created_at, updated_at`;

export interface NewSaga {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId;
  readonly attempt: number;
  readonly paymentMethod: string;
  readonly allowEquivalent: boolean;
  readonly resendSeconds: number;
  readonly deadlineAt: Date;
}

/** Starts the saga of a booking, or its next attempt after a decline. The undo is recorded before anything is asked for. */
export async function beginSaga(tx: Tx, saga: NewSaga): Promise<SagaRow> {
  const { rows } = await tx.query<SagaRow>(
    `with begun as (
       insert into checkout_sagas (booking_id, state, payment_id, attempt, payment_method, allow_equivalent, undo, next_action_at,
                                   deadline_at)
       values ($1, 'AUTHORISING', $2, $3, $4, $5, 'void', clock.app_now() + make_interval(secs => $6), $7)
       on conflict (booking_id) do update
         set state = 'AUTHORISING', attempt = excluded.attempt, payment_method = excluded.payment_method,
             allow_equivalent = excluded.allow_equivalent, undo = 'void', tries = 0, next_action_at = excluded.next_action_at,
             deadline_at = excluded.deadline_at, last_error = null, updated_at = clock.app_now()
         where checkout_sagas.state = 'DECLINED'
       returning ${SAGA_COLUMNS}
     ), attempt as (
       insert into checkout_attempts (booking_id, attempt) select booking_id, attempt from begun
     )
     select * from begun`,
    [
      saga.bookingId,
      saga.paymentId,
      saga.attempt,
      saga.paymentMethod,
      saga.allowEquivalent,
      saga.resendSeconds,
      saga.deadlineAt,
    ],
  );
  if (!rows[0]) throw new Error(`booking ${saga.bookingId} has a saga under way`);
  return rows[0];
}

/**
 * The sagas of these bookings, by booking. A saga changes only under the lock of its booking, and each change names the state that it
 * was decided on, so a row needs no lock of its own.
 */
export async function readSagas(db: Queryable, bookingIds: readonly BookingId[]): Promise<Map<BookingId, SagaRow>> {
  const { rows } = await db.query<SagaRow>(
    byIds('sagas-read', bookingIds, (these) => `select ${SAGA_COLUMNS} from checkout_sagas where booking_id ${these}`),
  );
  return new Map(rows.map((row) => [row.booking_id, row]));
}

export interface SagaFilter {
  readonly state: SagaState | null;
  /** True: STUCK or past their deadline; false: neither. */
  readonly stuck: boolean | null;
  readonly after: readonly [updatedAt: string, bookingId: string] | null;
  readonly limit: number;
}

/** Sagas with what is shown of their bookings, the latest change first; one more than the limit when there are more. */
export async function listSagas(
  db: Queryable,
  filter: SagaFilter,
): Promise<
  (SagaRow & Pick<BookingRow, 'reference' | 'status' | 'price_currency'> & { now: Date; cursor_at: string })[]
> {
  const { rows } = await db.query<
    SagaRow & Pick<BookingRow, 'reference' | 'status' | 'price_currency'> & { now: Date; cursor_at: string }
  >(
    `select s.*, b.reference, b.status, b.price_currency, clock.app_now() as now
       from (select ${SAGA_COLUMNS}, updated_at::text as cursor_at
               from checkout_sagas
              where ($1::text is null or state = $1)
                and ($2::boolean is null
                     or (state = 'STUCK' or coalesce(deadline_at <= clock.app_now(), false)) = $2)
                and ($3::timestamptz is null or (updated_at, booking_id) < ($3, $4))
              order by updated_at desc, booking_id desc
              limit $5::int + 1) s
       join bookings b on b.id = s.booking_id
      order by s.updated_at desc, s.booking_id desc`,
    [filter.state, filter.stuck, filter.after?.[0] ?? null, filter.after?.[1] ?? null, filter.limit],
  );
  return rows;
}

/** Bookings whose saga has waited for an answer for too long. No lock: whoever acts on one checks again under its lock. */
export async function dueSagas(db: Queryable, limit: number): Promise<BookingId[]> {
  const { rows } = await db.query<{ booking_id: BookingId }>(
    `select booking_id
       from checkout_sagas
      where next_action_at <= clock.app_now()
      order by next_action_at
      limit $1`,
    [limit],
  );
  return rows.map((row) => row.booking_id);
}
