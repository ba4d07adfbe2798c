import type { z } from 'zod';
import { CONSUMERS, deadLetterName, type Family } from '../bus/topology.ts';
import {
  accountEvents,
  bookingEvents,
  checkoutEvents,
  deadLetterWritten,
  holdEvents,
  notificationRetryEvents,
  paymentEvents,
} from '../contracts/events.ts';

/** Data of every event that any service publishes, by family and name. A family that is not here does not compile. */
export const EVENTS_BY_FAMILY: Readonly<Record<Family, Readonly<Record<string, z.ZodObject>>>> = {
  hold: holdEvents,
  booking: bookingEvents,
  checkout: checkoutEvents,
  payment: paymentEvents,
  account: accountEvents,
  notification_retry: notificationRetryEvents,
  dead_letter: Object.fromEntries(
    Object.keys(CONSUMERS).map((consumer) => [deadLetterName(consumer), deadLetterWritten]),
  ),
};
