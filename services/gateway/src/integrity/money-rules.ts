import type { DueMoneyRow, KeptMoneyRow } from '@holdfast/shared/contracts/money-check';

/** A booking whose money is not what it may keep. Amounts are minor units. */
export interface MoneyDifference {
  readonly booking_id: string;
  readonly reference: string;
  readonly status: string;
  readonly currency: string;
  readonly keeps: number;
  /** Captured minus refunded; null when payment knows nothing of the booking. */
  readonly kept: number | null;
}

/**
 * G4 for one booking: captured minus refunded is what it may keep, less what operators paid back of it. A refund that the booking asks
 * for gives way to theirs, so together they never take more than was captured. Null when it is so, or when money is moving just now.
 */
export function differenceOfMoney(due: DueMoneyRow, payment: KeptMoneyRow | undefined): MoneyDifference | null {
  const { booking_id, reference, status, currency, keeps } = due;
  const booking = { booking_id, reference, status, currency };
  if (payment === undefined) return keeps === 0 ? null : { ...booking, keeps, kept: null };
  if (payment.moving) return null;
  const expected = Math.max(0, keeps - payment.by_operators);
  const kept = payment.captured - payment.refunded;
  return kept === expected ? null : { ...booking, keeps: expected, kept };
}
