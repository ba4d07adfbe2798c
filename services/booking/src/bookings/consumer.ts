import { paymentEvents, type PaymentEventName } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { Logger } from 'pino';
import { applySagaMessage } from '../checkout-saga/apply-saga-message.ts';
import type { SagaInput } from '../checkout-saga/saga-input.ts';
import { MAX_PAYMENT_ATTEMPTS } from '../checkout-saga/checkout-saga.ts';
import { findRefundId } from '../checkout-saga/saga-store.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface PaymentConsumerDeps {
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
  readonly logger: Logger;
  /** For money that comes after its hold ran out: the places are looked for again. */
  readonly halls: HallLayouts;
}

/** Applies one answer of the payment service to the booking's saga. Part of the inbox transaction. */
export function handlePaymentEvent(deps: PaymentConsumerDeps) {
  return async (tx: Tx, event: IncomingEvent): Promise<void | (() => void)> => {
    const input = toSagaInput(event);
    if (input.refundId !== undefined && (await isOfAnother(tx, input.bookingId, input.refundId))) return;
    if (input.message === 'refund_failed') {
      deps.logger.error({ event_id: event.id, booking_id: input.bookingId, reason: input.reason }, 'refund failed');
    }
    const result = await applySagaMessage(tx, input, deps.halls);
    if (!result) throw new PermanentMessageError(`no checkout of ${event.orderingKey}`);
    return () => {
      deps.onCommit();
      deps.watch.changed(input.bookingId);
    };
  };
}

/**
 * Whether the refund is not the one that the saga waits for: an operator's leaves the booking as it is (docs/product.md, refunds), and
 * one that has failed was asked for anew under another id.
 */
async function isOfAnother(tx: Tx, bookingId: BookingId, refundId: string): Promise<boolean> {
  const ofSaga = await findRefundId(tx, bookingId);
  return ofSaga !== undefined && ofSaga !== refundId;
}

function toSagaInput(event: IncomingEvent): SagaInput {
  if (!Object.hasOwn(paymentEvents, event.name)) throw new PermanentMessageError(`unknown payment event ${event.name}`);
  const name = event.name as PaymentEventName;
  const parsed = paymentEvents[name].safeParse(event.data);
  if (!parsed.success) throw new PermanentMessageError(`payment event ${name} has wrong data: ${parsed.error.message}`);
  const data = parsed.data;
  const attempt = 'attempt' in data ? data.attempt : null;
  const base = {
    bookingId: data.booking_id,
    attempt,
    actor: 'payment',
    cause: { id: event.id, traceparent: event.traceparent },
    ...('refund_id' in data ? { refundId: data.refund_id } : {}),
  };
  const text = 'reason' in data ? data.reason : null;
  switch (name) {
    case 'authorised':
      return {
        ...base,
        ...moneyOf(event),
        message: 'authorised',
        paymentStatus: 'AUTHORIZED',
        reason: 'payment authorised',
      };
    case 'declined': {
      const last = attempt !== null && attempt >= MAX_PAYMENT_ATTEMPTS;
      return {
        ...base,
        message: last ? 'declined_finally' : 'declined',
        paymentStatus: 'DECLINED',
        declineReason: text ?? 'declined',
        reason: `payment declined: ${text ?? 'declined'}`,
      };
    }
    case 'requires_action':
      return {
        ...base,
        message: 'requires_action',
        paymentStatus: 'REQUIRES_ACTION',
        reason: 'the customer must act',
        ...('redirect_url' in data ? { redirectUrl: String(data.redirect_url) } : {}),
      };
    case 'processing':
      return { ...base, message: 'processing', paymentStatus: 'PROCESSING', reason: 'payment processing' };
    case 'unknown':
      return { ...base, message: 'unknown', paymentStatus: 'UNKNOWN', reason: 'payment outcome unknown' };
    case 'captured':
      return { ...base, ...moneyOf(event), message: 'captured', paymentStatus: 'CAPTURED', reason: 'payment captured' };
    case 'capture_failed':
      return {
        ...base,
        message: 'capture_failed',
        paymentStatus: 'AUTHORIZED',
        declineReason: text ?? 'capture failed',
        reason: `capture failed: ${text ?? ''}`,
      };
    case 'voided':
      return { ...base, message: 'voided', paymentStatus: 'VOIDED', reason: 'authorisation voided' };
    case 'refunded':
      return { ...base, message: 'refunded', paymentStatus: 'REFUNDED', reason: 'refunded' };
    case 'refund_failed':
      return { ...base, message: 'refund_failed', reason: `refund failed: ${text ?? ''}` };
  }
}

/** What was authorised or captured: the price, or a mistake. */
function moneyOf(event: IncomingEvent): Pick<SagaInput, 'money'> {
  const { amount, currency } = paymentEvents.captured.parse(event.data);
  return { money: { amount: BigInt(amount), currency } };
}
