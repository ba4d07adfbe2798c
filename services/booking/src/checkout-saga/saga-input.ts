import type { PaymentStatus } from '@holdfast/shared/contracts/bookings';
import type { BookingId } from '@holdfast/shared/ids';
import type { Money } from '@holdfast/shared/money';
import type { RefundRule } from '../bookings/refund-policy.ts';
import type { Cause } from '../events.ts';
import type { SagaMessage } from './checkout-saga.ts';

/** A message to the saga of one booking, with what it brings along. */
export interface SagaInput {
  readonly bookingId: BookingId;
  readonly message: SagaMessage;
  /** Of which attempt the message speaks; null for one that concerns the booking as it is. */
  readonly attempt: number | null;
  readonly paymentStatus?: PaymentStatus;
  readonly declineReason?: string;
  readonly redirectUrl?: string;
  /** The money that an outcome speaks of. */
  readonly money?: Money;
  /** Which refund an answer is about. */
  readonly refundId?: string;
  /** What a cancellation gives back: by the policy of purchase unless told. */
  readonly refund?: RefundRule;
  /** Why, in words for the history. */
  readonly reason: string;
  readonly actor: string;
  readonly cause: Cause;
}
