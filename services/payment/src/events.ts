import { appendToOutbox, type OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import type { paymentEvents, PaymentEventName } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, Id, PaymentId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { z } from 'zod';

/** What this service tells the world, one function per business event, with data as contracts/events.ts describes it. */

type Data<N extends PaymentEventName> = z.input<(typeof paymentEvents)[N]>;
type PaymentEvent = { [N in PaymentEventName]: { readonly name: N; readonly data: Data<N> } }[PaymentEventName];

export interface AttemptRef {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId;
  readonly attempt: number;
}

export interface MoneyMoved {
  readonly providerReference: string;
  readonly amount: bigint;
  readonly currency: string;
}

const ref = (of: AttemptRef) => ({ booking_id: of.bookingId, payment_id: of.paymentId, attempt: of.attempt });
const money = (moved: MoneyMoved) => ({
  provider_reference: moved.providerReference,
  amount: amountToJson(moved.amount),
  currency: moved.currency,
});

export const authorised = (of: AttemptRef, moved: MoneyMoved): PaymentEvent => ({
  name: 'authorised',
  data: { ...ref(of), ...money(moved) },
});
export const declined = (of: AttemptRef, reason: string): PaymentEvent => ({
  name: 'declined',
  data: { ...ref(of), reason },
});
export const requiresAction = (of: AttemptRef, redirectUrl: string): PaymentEvent => ({
  name: 'requires_action',
  data: { ...ref(of), redirect_url: redirectUrl },
});
export const processing = (of: AttemptRef): PaymentEvent => ({ name: 'processing', data: ref(of) });
export const unknown = (of: AttemptRef): PaymentEvent => ({ name: 'unknown', data: ref(of) });
export const captured = (of: AttemptRef, moved: MoneyMoved): PaymentEvent => ({
  name: 'captured',
  data: { ...ref(of), ...money(moved) },
});
export const captureFailed = (of: AttemptRef, reason: string): PaymentEvent => ({
  name: 'capture_failed',
  data: { ...ref(of), reason },
});
export const voided = (of: AttemptRef): PaymentEvent => ({ name: 'voided', data: ref(of) });

export interface RefundRef {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId;
  readonly refundId: Id<'rfd'>;
}
const refundRef = (of: RefundRef) => ({ booking_id: of.bookingId, payment_id: of.paymentId, refund_id: of.refundId });
export const refunded = (of: RefundRef, amount: bigint, currency: string): PaymentEvent => ({
  name: 'refunded',
  data: { ...refundRef(of), amount: amountToJson(amount), currency },
});
export const refundFailed = (of: RefundRef, reason: string): PaymentEvent => ({
  name: 'refund_failed',
  data: { ...refundRef(of), reason },
});

/**
 * Puts events into the outbox of this transaction. `payment` is locked and its `eventSeq` is the last number given; the caller
 * saves the count. Nudge the relay after the commit.
 */
export async function announce(
  tx: Tx,
  payment: { bookingId: BookingId; eventSeq: number; traceparent: string | null; now: Date },
  cause: string,
  events: readonly PaymentEvent[],
): Promise<void> {
  const outgoing = events.map((event, index): OutgoingEvent => ({
    family: 'payment',
    name: event.name,
    orderingKey: payment.bookingId,
    seq: payment.eventSeq + 1 + index,
    data: event.data,
    cause,
    traceparent: payment.traceparent,
    at: payment.now,
  }));
  await appendToOutbox(tx, '/payment', outgoing);
}
