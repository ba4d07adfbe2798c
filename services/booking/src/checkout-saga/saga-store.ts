import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, Id, PaymentId } from '@holdfast/shared/ids';
import type { SagaState, SagaStep } from './checkout-saga.ts';

export interface SagaRow {
  readonly booking_id: BookingId;
  readonly state: SagaState;
  readonly payment_id: PaymentId;
  readonly attempt: number;
  readonly payment_method: string;
  readonly undo: 'void' | 'refund' | null;
  readonly refund_id: Id<'rfd'> | null;
  readonly refund_amount: bigint | null;
  readonly tries: number;
}

const COLUMNS = 'booking_id, state, payment_id, attempt, payment_method, undo, refund_id, refund_amount, tries';

/** Starts the saga of a booking, or its next attempt after a decline. The undo is recorded before anything is asked for. */
export async function beginSaga(
  tx: Tx,
  saga: { bookingId: BookingId; paymentId: PaymentId; attempt: number; paymentMethod: string; resendSeconds: number },
): Promise<SagaRow> {
  const { rows } = await tx.query<SagaRow>(
    `insert into checkout_sagas (booking_id, state, payment_id, attempt, payment_method, undo, next_action_at)
     values ($1, 'AUTHORISING', $2, $3, $4, 'void', clock.app_now() + make_interval(secs => $5))
     on conflict (booking_id) do update
       set state = 'AUTHORISING', attempt = excluded.attempt, payment_method = excluded.payment_method, undo = 'void', tries = 0,
           next_action_at = excluded.next_action_at, updated_at = clock.app_now()
       where checkout_sagas.state = 'DECLINED'
     returning ${COLUMNS}`,
    [saga.bookingId, saga.paymentId, saga.attempt, saga.paymentMethod, saga.resendSeconds],
  );
  if (!rows[0]) throw new Error(`booking ${saga.bookingId} has a saga under way`);
  await tx.query('insert into checkout_attempts (booking_id, attempt) values ($1, $2)', [saga.bookingId, saga.attempt]);
  return rows[0];
}

/** Locks the saga of a booking that is locked already. */
export async function lockSaga(tx: Tx, bookingId: BookingId): Promise<SagaRow | null> {
  const { rows } = await tx.query<SagaRow>(`select ${COLUMNS} from checkout_sagas where booking_id = $1 for update`, [
    bookingId,
  ]);
  return rows[0] ?? null;
}

/** Moves a locked saga on: one UPDATE that names the old state. `resendSeconds` null ends the waiting. */
export async function moveSaga(
  tx: Tx,
  saga: SagaRow,
  step: Pick<SagaStep, 'next' | 'undo'>,
  resendSeconds: number | null,
): Promise<void> {
  const { rowCount } = await tx.query(
    `update checkout_sagas
        set state = $3, undo = $4, tries = 0, updated_at = clock.app_now(),
            next_action_at = clock.app_now() + make_interval(secs => $5)
      where booking_id = $1 and state = $2`,
    [saga.booking_id, saga.state, step.next, step.undo === undefined ? saga.undo : step.undo, resendSeconds],
  );
  if (rowCount !== 1) throw new Error(`saga of ${saga.booking_id} left ${saga.state} under our lock`);
}

/** Records what a refund is to pay back, before it is asked for, and returns the saga with it. */
export async function recordRefund(tx: Tx, saga: SagaRow, refundId: Id<'rfd'>, amount: bigint): Promise<SagaRow> {
  await tx.query('update checkout_sagas set refund_id = $2, refund_amount = $3 where booking_id = $1', [
    saga.booking_id,
    refundId,
    amount,
  ]);
  return { ...saga, refund_id: refundId, refund_amount: amount };
}

/**
 * Id of the refund that the saga of a booking asked for: null when it has asked for none, undefined when there is no saga. Needs no
 * lock, since it is on record before anybody can hear of that refund.
 */
export async function findRefundId(tx: Tx, bookingId: BookingId): Promise<Id<'rfd'> | null | undefined> {
  const { rows } = await tx.query<Pick<SagaRow, 'refund_id'>>(
    'select refund_id from checkout_sagas where booking_id = $1',
    [bookingId],
  );
  return rows[0]?.refund_id;
}

/** The outcome of an attempt, written once. */
export async function recordOutcome(
  tx: Tx,
  bookingId: BookingId,
  attempt: number,
  outcome: NonNullable<SagaStep['outcome']>,
  declineReason: string | null,
): Promise<void> {
  await tx.query(
    `update checkout_attempts set outcome = $3, decline_reason = $4
      where booking_id = $1 and attempt = $2 and outcome is null`,
    [bookingId, attempt, outcome, declineReason],
  );
}

/** Bookings whose saga has waited for an answer for too long. No lock: whoever acts on one checks again under its lock. */
export async function dueSagas(tx: Tx, limit: number): Promise<BookingId[]> {
  const { rows } = await tx.query<{ booking_id: BookingId }>(
    `select booking_id
       from checkout_sagas
      where next_action_at <= clock.app_now()
      order by next_action_at
      limit $1`,
    [limit],
  );
  return rows.map((row) => row.booking_id);
}

/** Counts one more time that the saga asked, and when it will ask again; null means that it is STUCK now, for `stuckReason`. */
export async function countTry(
  tx: Tx,
  saga: SagaRow,
  resendSeconds: number | null,
  stuckReason: string | null,
): Promise<void> {
  await tx.query(
    `update checkout_sagas
        set tries = tries + 1, updated_at = clock.app_now(),
            state = case when $3::text is null then state else 'STUCK' end,
            stuck_reason = $3,
            next_action_at = clock.app_now() + make_interval(secs => $2)
      where booking_id = $1`,
    [saga.booking_id, resendSeconds, stuckReason],
  );
}
