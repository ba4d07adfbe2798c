import type { BalanceTransaction, Charge } from './objects.ts';

/** What the provider keeps of a capture: 1.5 %, rounded up, and 25 minor units, but never more than was captured. */
const FEE_PER_MILLE = 15;
const FIXED_FEE = 25;

/** Everything about the payout of a captured charge follows from the charge, so nothing of it is kept. */
export function balanceTransactionOf(charge: Charge): BalanceTransaction | null {
  if (!charge.captured) return null;
  const amount = charge.amount_captured;
  const fee = Math.min(amount, Math.ceil((amount * FEE_PER_MILLE) / 1000) + FIXED_FEE);
  return {
    id: charge.id.replace(/^ch_/, 'txn_'),
    object: 'balance_transaction',
    amount,
    currency: charge.currency,
    fee,
    net: amount - fee,
    type: 'charge',
  };
}

/** A charge as answers show it, with its transaction where the caller asked for that. */
export function showCharge(charge: Charge, expand: readonly string[]): Charge {
  const transaction = balanceTransactionOf(charge);
  const whole = expand.some((path) => path.endsWith('latest_charge.balance_transaction'));
  return { ...charge, balance_transaction: whole ? transaction : (transaction?.id ?? null) };
}
