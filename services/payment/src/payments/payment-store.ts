import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, Id, PaymentId, UserId } from '@holdfast/shared/ids';
import { statusOf, type AttemptStatus, type CaptureState, type PaymentState } from './payment.ts';

/** A payment as use cases hold it: its rules' state, and what events and calls need beside it. Locked until the transaction ends. */
export interface LockedPayment {
  readonly id: PaymentId;
  readonly bookingId: BookingId;
  readonly provider: string;
  readonly providerReference: string | null;
  readonly refundReserved: bigint;
  readonly eventSeq: number;
  readonly traceparent: string | null;
  /** Business time of this transaction's read. */
  readonly now: Date;
  readonly state: PaymentState;
}

interface PaymentRow {
  id: PaymentId;
  booking_id: BookingId;
  provider: string;
  provider_reference: string | null;
  amount: bigint;
  currency: string;
  capture_state: CaptureState;
  captured_amount: bigint;
  refund_reserved: bigint;
  refunded_amount: bigint;
  void_requested: boolean;
  void_unless_paid: boolean;
  voided: boolean;
  mismatch: string | null;
  event_seq: number;
  traceparent: string | null;
  now: Date;
}

/**
 * Locks a payment and reads it with its attempts, or null when there is none. Every change of a payment begins here. The lock leaves
 * the key alone, so that a row that refers to the payment need not wait for it.
 */
export async function lockPayment(tx: Tx, id: PaymentId): Promise<LockedPayment | null> {
  const { rows } = await tx.query<PaymentRow>(
    `select id, booking_id, provider, provider_reference, amount, currency, capture_state, captured_amount,
            refund_reserved, refunded_amount, void_requested_at is not null as void_requested,
            void_unless_paid, voided_at is not null as voided, mismatch, event_seq, traceparent, clock.app_now() as now
       from payments
      where id = $1
        for no key update`,
    [id],
  );
  const row = rows[0];
  if (!row) return null;
  // A statement of its own: one that waited for the lock would still see the attempts as they were before it waited.
  const attempts = await tx.query<{ number: number; status: AttemptStatus; provider_charge: string | null }>(
    'select number, status, provider_charge from attempts where payment_id = $1 order by number',
    [id],
  );
  return {
    id: row.id,
    bookingId: row.booking_id,
    provider: row.provider,
    providerReference: row.provider_reference,
    refundReserved: row.refund_reserved,
    eventSeq: row.event_seq,
    traceparent: row.traceparent,
    now: row.now,
    state: {
      amount: row.amount,
      currency: row.currency,
      attempts: attempts.rows.map((each) => ({
        number: each.number,
        status: each.status,
        charge: each.provider_charge,
      })),
      capture: row.capture_state,
      capturedAmount: row.captured_amount,
      refundedAmount: row.refunded_amount,
      voidRequested: row.void_requested,
      voidUnlessPaid: row.void_unless_paid,
      voided: row.voided,
      mismatch: row.mismatch,
    },
  };
}

export interface NewPayment {
  readonly id: PaymentId;
  readonly bookingId: BookingId;
  readonly userId: UserId;
  readonly reference: string;
  readonly provider: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly traceparent: string | null;
}

export async function insertPayment(tx: Tx, payment: NewPayment): Promise<void> {
  await tx.query(
    `insert into payments (id, booking_id, user_id, reference, provider, amount, currency, status, traceparent)
     values ($1, $2, $3, $4, $5, $6, $7, 'PENDING', $8)`,
    [
      payment.id,
      payment.bookingId,
      payment.userId,
      payment.reference,
      payment.provider,
      payment.amount,
      payment.currency,
      payment.traceparent,
    ],
  );
}

export async function insertAttempt(
  tx: Tx,
  attempt: { paymentId: PaymentId; number: number; paymentMethod: string },
): Promise<void> {
  await tx.query(
    `insert into attempts (payment_id, number, payment_method, status)
     values ($1, $2, $3, 'PENDING')`,
    [attempt.paymentId, attempt.number, attempt.paymentMethod],
  );
}

/** What a fact adds to an attempt beside its status. */
export interface AttemptDetail {
  readonly declineReason?: string;
  readonly redirectUrl?: string;
}

/**
 * Saves what changed between two states of a locked payment and counts `events` more announcements. The attempt's UPDATE names the
 * status that the decision was made on. @throws Error when that status is gone, which the lock makes impossible.
 */
export async function savePayment(
  tx: Tx,
  before: LockedPayment,
  after: PaymentState,
  events: number,
  detail: AttemptDetail = {},
): Promise<void> {
  for (const attempt of after.attempts) {
    const old = before.state.attempts.find((each) => each.number === attempt.number);
    if (!old || (old.status === attempt.status && old.charge === attempt.charge)) continue;
    const { rowCount } = await tx.query(
      `update attempts
          set status = $4,
              provider_charge = $5,
              decline_reason = coalesce($6, decline_reason),
              redirect_url = coalesce($7, redirect_url),
              updated_at = clock.app_now()
        where payment_id = $1
          and number = $2
          and status = $3`,
      [
        before.id,
        attempt.number,
        old.status,
        attempt.status,
        attempt.charge,
        detail.declineReason ?? null,
        detail.redirectUrl ?? null,
      ],
    );
    if (rowCount !== 1) throw new Error(`attempt ${attempt.number} of ${before.id} changed under its lock`);
  }
  await tx.query(
    `update payments
        set status = $2,
            capture_state = $3,
            captured_amount = $4,
            refunded_amount = $5,
            void_requested_at = case when $6 then coalesce(void_requested_at, clock.app_now()) end,
            void_unless_paid = $10,
            voided_at = case when $7 then coalesce(voided_at, clock.app_now()) end,
            mismatch = $8,
            event_seq = event_seq + $9,
            updated_at = clock.app_now()
      where id = $1`,
    [
      before.id,
      statusOf(after),
      after.capture,
      after.capturedAmount,
      after.refundedAmount,
      after.voidRequested,
      after.voided,
      after.mismatch,
      events,
      after.voidUnlessPaid,
    ],
  );
}

/** Keeps the intent's id. The first one stays: another would be a second intent for one payment. */
export async function saveReference(tx: Tx, id: PaymentId, reference: string): Promise<void> {
  await tx.query('update payments set provider_reference = $2 where id = $1 and provider_reference is null', [
    id,
    reference,
  ]);
}

/** The payment that a callback is about, by the intent's id or by our id in its metadata, or null when it is not known. */
export async function findPaymentId(
  tx: Tx,
  provider: string,
  by: { reference: string | null; paymentId: string | null },
): Promise<PaymentId | null> {
  const { rows } = await tx.query<{ id: PaymentId }>(
    `select id
       from payments
      where provider = $1
        and (provider_reference = $2 or (id = $3 and provider_reference is null))`,
    [provider, by.reference, by.paymentId],
  );
  return rows[0]?.id ?? null;
}

export interface RefundRow {
  readonly id: Id<'rfd'>;
  readonly paymentId: PaymentId;
  readonly amount: bigint;
  readonly currency: string;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED';
}

export async function findRefund(tx: Tx, id: string): Promise<RefundRow | null> {
  const { rows } = await tx.query<{
    id: Id<'rfd'>;
    payment_id: PaymentId;
    amount: bigint;
    currency: string;
    status: RefundRow['status'];
  }>('select id, payment_id, amount, currency, status from refunds where id = $1', [id]);
  const row = rows[0];
  if (!row) return null;
  return { id: row.id, paymentId: row.payment_id, amount: row.amount, currency: row.currency, status: row.status };
}

/** Records a refund and sets its amount aside; payments_refunds_within_capture has the last word on the sum. */
export async function insertRefund(
  tx: Tx,
  refund: {
    id: Id<'rfd'>;
    paymentId: PaymentId;
    amount: bigint;
    currency: string;
    reason: string;
    failure: string | null;
    /** The operator who asked for it; null for the saga. */
    requestedBy: UserId | null;
  },
): Promise<void> {
  await tx.query(
    `insert into refunds (id, payment_id, amount, currency, reason, status, failure_reason, origin, requested_by)
     values ($1, $2, $3, $4, $5, case when $6::text is null then 'PENDING' else 'FAILED' end, $6,
             case when $7::text is null then 'saga' else 'operator' end, $7)`,
    [refund.id, refund.paymentId, refund.amount, refund.currency, refund.reason, refund.failure, refund.requestedBy],
  );
  if (refund.failure !== null) return;
  await tx.query('update payments set refund_reserved = refund_reserved + $2 where id = $1', [
    refund.paymentId,
    refund.amount,
  ]);
}

/** What operators have asked to pay back of a locked payment, and what has not failed of it. */
export async function sumOperatorRefunds(tx: Tx, paymentId: PaymentId): Promise<bigint> {
  const { rows } = await tx.query<{ sum: bigint }>(
    `select coalesce(sum(amount), 0)::bigint as sum
       from refunds
      where payment_id = $1
        and origin = 'operator'
        and status <> 'FAILED'`,
    [paymentId],
  );
  return rows[0]!.sum;
}

/** Ends a refund once. False when it had ended before. A failed one frees the amount that was set aside. */
export async function settleRefundRow(
  tx: Tx,
  refund: RefundRow,
  to: { status: 'SUCCEEDED'; reference: string } | { status: 'FAILED'; reason: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update refunds
        set status = $2, provider_reference = $3, failure_reason = $4, updated_at = clock.app_now()
      where id = $1
        and status = 'PENDING'`,
    [refund.id, to.status, to.status === 'SUCCEEDED' ? to.reference : null, to.status === 'FAILED' ? to.reason : null],
  );
  if (rowCount !== 1) return false;
  if (to.status === 'FAILED') {
    await tx.query('update payments set refund_reserved = refund_reserved - $2 where id = $1', [
      refund.paymentId,
      refund.amount,
    ]);
  }
  return true;
}
