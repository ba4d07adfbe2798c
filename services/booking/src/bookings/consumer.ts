import { paymentEvents, type PaymentEventName } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { Logger } from 'pino';
import { applySagaMessages } from '../checkout-saga/apply-saga-message.ts';
import type { SagaInput } from '../checkout-saga/saga-input.ts';
import { MAX_PAYMENT_ATTEMPTS } from '../checkout-saga/checkout-saga.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface PaymentConsumerDeps {
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
  readonly logger: Logger;
  /** For money that comes after its hold ran out: the places are looked for again. */
  readonly halls: HallLayouts;
}

/**
 * Applies answers of the payment service to the sagas of as many bookings, all of them together. Part of the inbox transaction.
 * @throws PermanentMessageError for an answer about a checkout that there is not.
 */
export function handlePaymentEvents(deps: PaymentConsumerDeps) {
  return async (tx: Tx, events: readonly IncomingEvent[]): Promise<() => void> => {
    const inputs = events.map(toSagaInput);
    for (const { message, bookingId, reason } of inputs) {
      if (message === 'refund_failed') deps.logger.error({ booking_id: bookingId, reason }, 'refund failed');
    }
    const results = await applySagaMessages(tx, inputs, deps.halls);
    for (const { bookingId } of inputs) {
      if (!results.has(bookingId)) throw new PermanentMessageError(`no checkout of ${bookingId}`);
    }
    return () => {
      deps.onCommit();
      for (const { bookingId } of inputs) deps.watch.changed(bookingId);
    };
  };
}

/** The same for one answer. */
export function handlePaymentEvent(deps: PaymentConsumerDeps) {
  const handle = handlePaymentEvents(deps);
  return (tx: Tx, event: IncomingEvent): Promise<() => void> => handle(tx, [event]);
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
