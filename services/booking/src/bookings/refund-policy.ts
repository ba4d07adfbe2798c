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

/** What decides about the refund of one booking; the columns of the same names. */
export interface RefundTerms {
  readonly refund_policy: readonly RefundWindow[];
  readonly starts_at: Date;
  readonly moved_refund: RefundRule | null;
  readonly refund_starts_at: Date | null;
}

/**
 * What a booking gives back when it is cancelled at `now`, and the windows that decide. By the policy of its purchase, counted to the
 * latest start that was promised, so that a move never shortens a window; or, when its event was moved and everything is given back for
 * that, everything until it begins (docs/adr/0025).
 */
export function quoteBookingRefund(
  terms: RefundTerms,
  captured: Money,
  now: Date,
): RefundQuote & { readonly policy: readonly RefundWindow[] } {
  const moved = terms.moved_refund === 'full' && now <= terms.starts_at;
  const policy = moved ? [{ hours_before: 0, percent: 100 }] : terms.refund_policy;
  const startsAt = moved ? terms.starts_at : (terms.refund_starts_at ?? terms.starts_at);
  return { ...quoteRefund(policy, captured, startsAt, now), policy };
}
