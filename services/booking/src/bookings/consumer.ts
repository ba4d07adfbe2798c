import { paymentEvents, type PaymentEventName } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { Logger } from 'pino';
import { applySagaMessage, type SagaInput } from '../checkout-saga/apply-saga-message.ts';
import { MAX_PAYMENT_ATTEMPTS } from '../checkout-saga/checkout-saga.ts';
import { findRefundId } from '../checkout-saga/saga-store.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface PaymentConsumerDeps {
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
  readonly logger: Logger;
}

/** Applies one answer of the payment service to the booking's saga. Part of the inbox transaction. */
export function handlePaymentEvent(deps: PaymentConsumerDeps) {
  return async (tx: Tx, event: IncomingEvent): Promise<void | (() => void)> => {
    const input = toSagaInput(event);
    if (input === null) {
      deps.logger.error({ event_id: event.id, name: event.name }, 'refund failed, the payment service keeps trying');
      return;
    }
    if (input.message === 'refunded' && (await isOperatorRefund(tx, event))) return;
    const result = await applySagaMessage(tx, input);
    if (!result) throw new PermanentMessageError(`no checkout of ${event.orderingKey}`);
    return () => {
      deps.onCommit();
      deps.watch.changed(input.bookingId);
    };
  };
}

/** Whether the refund is none that the saga asked for: an operator's leaves the booking as it is (docs/product.md, refunds). */
async function isOperatorRefund(tx: Tx, event: IncomingEvent): Promise<boolean> {
  const { booking_id: bookingId, refund_id: refundId } = paymentEvents.refunded.parse(event.data);
  const ofSaga = await findRefundId(tx, bookingId);
  return ofSaga !== undefined && ofSaga !== refundId;
}

function toSagaInput(event: IncomingEvent): SagaInput | null {
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
  };
  const text = 'reason' in data ? data.reason : null;
  switch (name) {
    case 'authorised':
      return { ...base, message: 'authorised', paymentStatus: 'AUTHORIZED', reason: 'payment authorised' };
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
      return { ...base, message: 'captured', paymentStatus: 'CAPTURED', reason: 'payment captured' };
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
      return null;
  }
}
