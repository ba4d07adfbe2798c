import type { Money } from '@holdfast/shared/money';
import type { BookingRow } from '../bookings/booking-row.ts';
import { quoteBookingRefund, type RefundRule } from '../bookings/refund-policy.ts';
import { IGNORE, decide, type SagaMessage } from './checkout-saga.ts';
import { withRefund } from './draft-step.ts';
import type { SagaRow } from './saga-store.ts';

/**
 * A cancellation of a booking whose money is taken, or about to be, depends on what its policy gives back: the table knows the two
 * cases as two messages. `refund` puts the amount on record before it is asked for.
 */
export function weighCancellation(
  { message, refund: rule = 'policy' }: { readonly message: SagaMessage; readonly refund?: RefundRule },
  saga: SagaRow,
  row: BookingRow,
  now: Date,
): { message: SagaMessage; refund: ((saga: SagaRow) => SagaRow) | null } {
  const cancelsStanding = message === 'cancelled' && saga.state === 'CONFIRMED';
  const cancelsCaptured = message === 'captured' && saga.state === 'CAPTURING' && row.cancel_requested_at !== null;
  if (!cancelsStanding && !cancelsCaptured) return { message, refund: null };
  // A wish that waited for the capture counts from when it was made, by the rule that it was made under.
  const [asked, by] = cancelsCaptured ? [row.cancel_requested_at!, row.cancel_refund ?? 'policy'] : [now, rule];
  const price = { amount: row.price_amount, currency: row.price_currency };
  const back = by === 'full' ? price : quoteBookingRefund(row, price, asked).refundable;
  const due = back.amount > 0n;
  const weighed = cancelsStanding
    ? due
      ? 'cancelled'
      : 'cancelled_unrefundable'
    : due
      ? 'captured_refundable'
      : 'captured_unrefundable';
  return { message: weighed, refund: due ? (of) => withRefund(of, back.amount) : null };
}

/** An outcome that speaks of other money than the price is none: `amount_differs`, for a person to look at. */
export function weighAmount(
  message: SagaMessage,
  money: Money | undefined,
  row: Pick<BookingRow, 'price_amount' | 'price_currency'>,
): SagaMessage {
  if (money === undefined) return message;
  return money.amount === row.price_amount && money.currency === row.price_currency ? message : 'amount_differs';
}

/** Giving a checkout up fails its booking, unless that has ended already. */
export function weighGivingUp(message: SagaMessage, row: Pick<BookingRow, 'status'>): SagaMessage {
  return message === 'given_up' && row.status !== 'PAYMENT_INITIATED' ? 'given_up_ended' : message;
}

/** The message that it would be if the places of an expired booking could be taken again; null where it is no late success. */
export function lateMessage(
  message: SagaMessage,
  saga: Pick<SagaRow, 'state'>,
  row: Pick<BookingRow, 'status'>,
): 'authorised_late' | 'captured_late' | null {
  if (row.status !== 'EXPIRED' || (message !== 'authorised' && message !== 'captured')) return null;
  const late = message === 'authorised' ? 'authorised_late' : 'captured_late';
  return decide(saga.state, late) === IGNORE ? null : late;
}
