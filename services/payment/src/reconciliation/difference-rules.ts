import type { FindingKind } from '@holdfast/shared/contracts/reconciliation';

/**
 * How the provider's books and ours may differ, pure. One intent is compared with the payment that it belongs to; amounts are
 * minor units.
 */

/** The provider's side of one intent. */
export interface There {
  readonly reference: string;
  readonly currency: string;
  /** 0 while nothing is captured. */
  readonly captured: bigint;
  readonly refunded: bigint;
}

/** Our side of the payment that the intent names. */
export interface Here {
  readonly reference: string | null;
  readonly currency: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly refundReserved: bigint;
  readonly quarantined: boolean;
}

export interface Difference {
  readonly kind: FindingKind;
  readonly amountHere: bigint | null;
  readonly amountThere: bigint | null;
  readonly detail: string;
}

/** What differs, or null when the books agree about this intent. `here` is null when no payment of ours knows it. */
export function differenceOf(here: Here | null, there: There): Difference | null {
  const paid = { amountHere: here?.captured ?? null, amountThere: there.captured };
  if (here === null) {
    if (there.captured - there.refunded <= 0n) return null;
    return { kind: 'paid_there_not_here', ...paid, detail: 'no payment of ours has this intent' };
  }
  if (here.reference !== null && here.reference !== there.reference) {
    if (there.captured - there.refunded <= 0n) return null;
    const kind = here.captured > 0n ? 'duplicate_charge' : 'paid_there_not_here';
    return { kind, ...paid, detail: `the payment has another intent, ${here.reference}` };
  }
  if (there.captured === 0n) {
    if (here.captured === 0n) return null;
    return { kind: 'paid_here_not_there', ...paid, detail: 'the provider has captured nothing' };
  }
  if (here.captured === 0n && !here.quarantined) {
    return { kind: 'paid_there_not_here', ...paid, detail: 'the payment is not captured here' };
  }
  if (here.captured !== there.captured || here.currency !== there.currency) {
    return { kind: 'amount_differs', ...paid, detail: `${there.currency} there, ${here.currency} here` };
  }
  const back = { amountHere: here.refunded, amountThere: there.refunded };
  if (there.refunded < here.refunded)
    return { kind: 'refund_missing', ...back, detail: 'the provider lacks a refund that we count' };
  if (there.refunded > here.refundReserved)
    return { kind: 'refund_missing', ...back, detail: 'a refund was made at the provider that we do not know' };
  return null;
}

/** Whether a finding is about money that the provider has and we do not count, so that it can go back as a whole. */
export function isPaidThereAlone(kind: FindingKind, amountThere: bigint | null): boolean {
  return (kind === 'paid_there_not_here' || kind === 'duplicate_charge') && amountThere !== null && amountThere > 0n;
}
