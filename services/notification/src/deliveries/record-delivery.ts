import { bookingEvents } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { Notice } from './delivery.ts';
import { hasConfirmation, insertDelivery } from './delivery-store.ts';
import { dataOf } from './event-data.ts';
import { recordText } from './record-text.ts';
import { recordWebhooks } from './record-webhook.ts';

export interface RecordOptions {
  /** Whether this installation sends text messages. */
  readonly texts: boolean;
}

/**
 * Writes down what is to be told about an event of family `booking`, to its customer and to the endpoints that listen; sending is the
 * drivers'. Events that tell the customer nothing
 * (an expired hold, what is told with another booking of its series, names that this version does not know) leave no row. Returns whether something is due now.
 * @throws PermanentMessageError when the event's data is not what its contract says.
 */
export async function recordDelivery(tx: Tx, event: IncomingEvent, { texts }: RecordOptions): Promise<boolean> {
  const toEndpoints = await recordWebhooks(tx, event);
  const plain = noticeOf(event);
  if (!plain) return toEndpoints;
  // Events of a booking come in their order: whether it was confirmed is known here.
  const notice: Notice =
    plain.kind === 'cancelled'
      ? { ...plain, booking: { ...plain.booking, calendar_entry: await hasConfirmation(tx, plain.booking.booking_id) } }
      : plain;
  const toCustomer = await insertDelivery(tx, {
    eventId: event.id,
    channel: 'email',
    recipient: notice.booking.contact.email,
    notice,
    bookingId: notice.booking.booking_id,
    userId: notice.booking.user_id,
    traceparent: event.traceparent,
  });
  const toPhone = texts && (await recordText(tx, notice, event));
  return toCustomer || toPhone || toEndpoints;
}

/** @throws PermanentMessageError when the event's data is not what its contract says. */
export function noticeOf(event: Pick<IncomingEvent, 'name' | 'data'>): Notice | null {
  switch (event.name) {
    case 'confirmed':
      return { kind: 'confirmed', booking: dataOf(bookingEvents.confirmed, event) };
    case 'offered':
      return { kind: 'waitlist_offer', booking: dataOf(bookingEvents.offered, event) };
    case 'payment_due':
      return { kind: 'payment_due', booking: dataOf(bookingEvents.payment_due, event) };
    case 'expired': {
      const booking = dataOf(bookingEvents.expired, event);
      if (booking.series_id !== undefined) return { kind: 'occurrence_lapsed', booking };
      return booking.waitlist ? { kind: 'waitlist_over', booking } : null;
    }
    case 'cancelled': {
      const booking = dataOf(bookingEvents.cancelled, event);
      if (booking.told_with !== undefined) return null;
      return booking.waitlist?.offered === false ? { kind: 'waitlist_over', booking } : { kind: 'cancelled', booking };
    }
    case 'rescheduled':
      return { kind: 'rescheduled', booking: dataOf(bookingEvents.rescheduled, event) };
    case 'failed': {
      const booking = dataOf(bookingEvents.failed, event);
      return { kind: booking.lost === undefined ? 'failed' : 'occurrence_lost', booking };
    }
    default:
      return null;
  }
}
