import type { Pool } from '@holdfast/shared/db/pool';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { toMoneyJson, type MoneyJson } from '@holdfast/shared/money';
import { isEventCancelled } from '../event-cancellation/is-event-cancelled.ts';
import { asFollowed } from '../event-reschedule/follow-event.ts';
import { findBooking } from './read-booking.ts';
import { quoteBookingRefund, type RefundWindow } from './refund-policy.ts';

export interface CancellationPreview {
  refundable: MoneyJson;
  percent: number;
  policy: RefundWindow[];
}

/**
 * What would go back if the booking were cancelled now, and the policy that says so: that of its purchase, or another because its event
 * was moved. Nothing where nothing was captured.
 * @throws Problem `not_found`.
 */
export async function previewCancellation(
  pool: Pool,
  caller: SignedInCaller,
  id: string,
): Promise<CancellationPreview> {
  const { row, now } = await findBooking(pool, caller, { id });
  const taken = ['PAID', 'CONFIRMED', 'CHECKED_IN'].includes(row.status) ? row.price_amount : 0n;
  const captured = { amount: taken, currency: row.price_currency };
  const { percent, refundable, policy } = (await isEventCancelled(pool, row.event_id))
    ? { percent: 100, refundable: captured, policy: row.refund_policy }
    : quoteBookingRefund(await asFollowed(pool, row), captured, now);
  return { refundable: toMoneyJson(refundable), percent, policy: [...policy] };
}
