import type { BookingStatus } from '@holdfast/shared/contracts/bookings';

/** Why the door stays shut, for the scanner's screen: `reason` of the problem. */
export type DoorReason =
  | 'wrong_event'
  | 'wrong_booking'
  | 'not_paid'
  | 'cancelled'
  | 'refunded'
  | 'expired'
  | 'failed'
  | 'over'
  | 'event_cancelled';

/** What is wrong with a booking that lets nobody in, by its state; null where it does. */
export function reasonOfStatus(status: BookingStatus): DoorReason | null {
  switch (status) {
    case 'CONFIRMED':
    case 'CHECKED_IN':
      return null;
    case 'PENDING':
    case 'HELD':
    case 'PAYMENT_INITIATED':
    case 'PAID':
      return 'not_paid';
    case 'CANCELLED':
      return 'cancelled';
    case 'REFUNDED':
      return 'refunded';
    case 'EXPIRED':
      return 'expired';
    case 'FAILED':
      return 'failed';
    case 'COMPLETED':
      return 'over';
  }
}
