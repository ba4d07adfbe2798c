import { bookingEvents } from '@holdfast/shared/contracts/events';
import {
  WEBHOOK_EVENT_TYPES,
  type WebhookBookingData,
  type WebhookEventType,
  type WebhookPayload,
} from '@holdfast/shared/contracts/webhooks';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import type { BookingId, UserId } from '@holdfast/shared/ids';
import type { z } from 'zod';
import { findListeners, type EndpointId } from '../webhooks/find-target.ts';
import { insertDelivery } from './delivery-store.ts';
import { dataOf } from './event-data.ts';

/** Writes a webhook to one endpoint that is due at once. */
export function recordWebhook(
  tx: Tx,
  webhook: {
    eventId: string;
    endpointId: EndpointId;
    bookingId: BookingId | null;
    userId: UserId;
    payload: WebhookPayload;
    traceparent: string | null;
  },
): Promise<boolean> {
  const { eventId, endpointId, bookingId, userId, payload, traceparent } = webhook;
  return insertDelivery(tx, {
    eventId,
    channel: 'webhook',
    recipient: endpointId,
    notice: { kind: payload.type, webhook: payload },
    bookingId,
    userId,
    traceparent,
  });
}

/** Writes a webhook to each endpoint that listens to an event of family `booking`. Returns whether something is due. */
export async function recordWebhooks(tx: Tx, event: IncomingEvent): Promise<boolean> {
  const type = `booking.${event.name}`;
  if (!(type in WEBHOOK_EVENT_TYPES)) return false;
  const endpoints = await findListeners(tx, type);
  if (endpoints.length === 0) return false;
  const data = webhookDataOf(event);
  const payload = { type: type as WebhookEventType, timestamp: event.time.toISOString(), data };
  for (const endpointId of endpoints) {
    const about = { eventId: event.id, bookingId: data.booking_id, userId: data.user_id };
    await recordWebhook(tx, { ...about, endpointId, payload, traceparent: event.traceparent });
  }
  return true;
}

/** What an event tells to other systems: nothing of the customer but ids. @throws PermanentMessageError */
export function webhookDataOf(event: Pick<IncomingEvent, 'name' | 'data' | 'sequence'>): WebhookBookingData {
  const schema: z.ZodType<z.output<(typeof bookingEvents)[keyof typeof bookingEvents]>> =
    bookingEvents[event.name as keyof typeof bookingEvents];
  const booking = dataOf(schema, event);
  return {
    booking_id: booking.booking_id,
    reference: booking.reference,
    user_id: booking.user_id,
    sequence: event.sequence,
    inventory: booking.inventory,
    title: booking.title,
    venue: booking.venue,
    seats: booking.seats,
    quantity: booking.quantity,
    starts_at: booking.starts_at,
    ends_at: booking.ends_at,
    time_zone: booking.time_zone,
    price: { amount: booking.amount, currency: booking.currency },
    series_id: booking.series_id ?? null,
    ...extrasOf(event.name, booking),
  };
}

/** What some events say beside the booking. */
function extrasOf(name: string, booking: object): Partial<WebhookBookingData> {
  const parts: Record<string, z.ZodType<Partial<WebhookBookingData>>> = {
    offered: bookingEvents.offered.pick({ hold_expires_at: true }),
    payment_due: bookingEvents.payment_due.pick({ pay_until: true }),
    rescheduled: bookingEvents.rescheduled.pick({ previous: true }),
  };
  return parts[name]?.parse(booking) ?? {};
}
