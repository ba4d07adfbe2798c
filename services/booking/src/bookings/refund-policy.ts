import type { z } from 'zod';
import type { refundWindow } from '@holdfast/shared/contracts/catalogue';
import { percentToCustomer, type Money } from '@holdfast/shared/money';

export type RefundWindow = z.output<typeof refundWindow>;

/** By the policy of the purchase, or everything: what a cancelled event gives back. */
export type RefundRule = 'policy' | 'full';

/** What goes back when a booking is cancelled. */
export interface RefundQuote {
  /** 0 to 100. */
  readonly percent: number;
  readonly refundable: Money;
}

const HOUR_MS = 3_600_000;

/**
 * The refund of product.md: the widest window that is still open decides. Boundaries are inclusive: at exactly 24 h before the start a
 * window of 24 h holds. Hours are elapsed hours, so a change of the clocks in between makes no difference. Odd minor units go to the
 * customer. `policy` is the snapshot taken at purchase; `captured` is the money that was really taken.
 */
export function quoteRefund(policy: readonly RefundWindow[], captured: Money, startsAt: Date, now: Date): RefundQuote {
  const msLeft = startsAt.getTime() - now.getTime();
  const open = policy.filter((window) => msLeft >= window.hours_before * HOUR_MS);
  const widest = open.reduce<RefundWindow | null>(
    (best, window) => (best === null || window.hours_before > best.hours_before ? window : best),
    null,
  );
  const percent = widest?.percent ?? 0;
  return { percent, refundable: percentToCustomer(captured, percent) };
}
