import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { paymentEvents, type PaymentEventName } from '@holdfast/shared/contracts/events';
import { parseEvent, type IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import { newId, type BookingId, type Id, type PaymentId, type UserId } from '@holdfast/shared/ids';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { until } from '@holdfast/shared/testing/until';
import { createLogger } from '@holdfast/shared/telemetry/logger';

/** One checkout as the booking service would drive it. */
export interface Checkout {
  readonly bookingId: BookingId;
  readonly paymentId: PaymentId;
  readonly userId: UserId;
  readonly amount: number;
  readonly currency: string;
  /** Publishes any event of the family, whatever its data. */
  send(name: string, data: object): Promise<void>;
  authorise(paymentMethod: string, attempt?: number): Promise<void>;
  capture(attempt?: number): Promise<void>;
  void(attempt?: number): Promise<void>;
  refund(amount: number, refundId?: Id<'rfd'>): Promise<Id<'rfd'>>;
  /** Names of the payment service's answers so far, in their order. */
  names(): string[];
  /** Resolves with the answer of that name, which has come or will. */
  answer(name: PaymentEventName, timeoutMs?: number): Promise<IncomingEvent>;
}

export interface BookingSide {
  readonly bus: Bus;
  checkout(amount?: number): Checkout;
  close(): Promise<void>;
}

/** The other end of the bus: publishes `checkout` events and records `payment` events, each id once, in sequence. */
export async function openBookingSide(natsUrl: string): Promise<BookingSide> {
  const logger = createLogger({ service: 'booking-side', level: 'silent' });
  const bus = await connectBus({ url: natsUrl, name: 'booking-side', logger });
  const received = new Map<string, IncomingEvent[]>();
  const consuming = await bus.consume('booking-payment', (message) => {
    const event = parseEvent(message.payload, 'payment');
    paymentEvents[event.name as PaymentEventName].parse(event.data);
    const events = received.get(event.orderingKey) ?? [];
    if (!events.some((each) => each.id === event.id)) {
      events.push(event);
      events.sort((a, b) => a.sequence - b.sequence);
    }
    received.set(event.orderingKey, events);
    message.ack();
  });

  function checkout(amount = 4_500): Checkout {
    const bookingId = newId('bkg');
    const paymentId = newId('pay');
    const userId = newId('usr');
    const currency = 'EUR';
    let seq = 0;
    const send = async (name: string, data: object) => {
      seq += 1;
      const rows = toOutboxRows('/booking', [
        {
          family: 'checkout',
          name,
          orderingKey: bookingId,
          seq,
          data: { booking_id: bookingId, payment_id: paymentId, ...data },
          cause: newId('req'),
          at: new Date(),
        },
      ]);
      // As the relay does: the same message again until the broker has it.
      await until(`publishing ${name}`, () =>
        bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: rows.ids[0]! }),
      );
    };
    const events = () => received.get(bookingId) ?? [];
    return {
      bookingId,
      paymentId,
      userId,
      amount,
      currency,
      send,
      authorise: (paymentMethod, attempt = 1) =>
        send('authorisation_requested', {
          attempt,
          user_id: userId,
          reference: 'BK20270104-7K3Q9D',
          amount,
          currency,
          payment_method: paymentMethod,
        }),
      capture: (attempt = 1) => send('capture_requested', { attempt, amount, currency }),
      void: (attempt = 1) => send('void_requested', { attempt, reason: 'hold_expired' }),
      async refund(refundAmount, refundId = newId('rfd')) {
        await send('refund_requested', { refund_id: refundId, amount: refundAmount, currency, reason: 'cancelled' });
        return refundId;
      },
      names: () => events().map((event) => event.name),
      answer: (name, timeoutMs = 15_000) =>
        until(
          `${name} of ${bookingId} among ${events().map((event) => event.name)}`,
          () => events().find((event) => event.name === name),
          timeoutMs,
        ),
    };
  }

  return {
    bus,
    checkout,
    async close() {
      await consuming.stop();
      await bus.close();
    },
  };
}
