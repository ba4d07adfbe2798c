import type { LedgerAccount, LedgerKind } from '@holdfast/shared/contracts/ledger';
import type { PaymentState } from '../payments/payment.ts';

/**
 * What posts to the ledger, pure. Each entry debits one account and credits another by the same positive amount of minor units, so
 * the books balance by construction; the schema has the same table of kinds (ledger_entries_kind_says_accounts).
 */

const ACCOUNTS_OF: Record<LedgerKind, { readonly debit: LedgerAccount; readonly credit: LedgerAccount }> = {
  authorisation: { debit: 'authorisations', credit: 'bookings' },
  capture: { debit: 'provider_clearing', credit: 'authorisations' },
  void: { debit: 'bookings', credit: 'authorisations' },
  refund: { debit: 'refunds', credit: 'provider_clearing' },
  fee: { debit: 'provider_fees', credit: 'provider_clearing' },
};

export interface LedgerEntry {
  readonly kind: LedgerKind;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  readonly amount: bigint;
  readonly currency: string;
  /** What the provider calls it. */
  readonly reference: string;
}

export function entryOf(
  kind: LedgerKind,
  of: { readonly amount: bigint; readonly currency: string; readonly reference: string },
): LedgerEntry {
  return { kind, ...ACCOUNTS_OF[kind], ...of };
}

/** What an authorisation posts that is told only after it was given up: that money was held, and that it is not any more. */
export function entriesOfLateAuthorisation(
  state: PaymentState,
  told: { readonly amount: bigint; readonly currency: string },
  reference: string,
): LedgerEntry[] {
  const { amount, currency } = state;
  if (!state.voided || state.mismatch !== null || told.amount !== amount || told.currency !== currency) return [];
  return [entryOf('authorisation', { amount, currency, reference }), entryOf('void', { amount, currency, reference })];
}

/**
 * What a change of a payment posts. A capture that was told before its authorisation posts both: money cannot be taken that was not
 * held. A void posts only where money was held; giving up an intent that held nothing moves nothing.
 */
export function entriesOfChange(before: PaymentState, after: PaymentState, reference: string): LedgerEntry[] {
  const held = (state: PaymentState) => state.attempts.some((attempt) => attempt.status === 'AUTHORIZED');
  const { currency } = after;
  const authorisation = entryOf('authorisation', { amount: after.amount, currency, reference });
  if (before.capturedAmount === 0n && after.capturedAmount > 0n) {
    const capture = entryOf('capture', { amount: after.capturedAmount, currency, reference });
    return held(before) ? [capture] : [authorisation, capture];
  }
  if (!before.voided && after.voided) {
    return held(before) ? [entryOf('void', { amount: after.amount, currency, reference })] : [];
  }
  return !held(before) && held(after) ? [authorisation] : [];
}
