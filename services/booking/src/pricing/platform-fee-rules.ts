import { addMoney, type Money } from '@holdfast/shared/money';
import type { PriceLine } from './price-line.ts';

/** What the operator of the installation takes on top of each booking that costs something. */
export interface PlatformFee {
  /** Hundredths of a percent of the other lines together; 250 is 2.5 %. */
  readonly basisPoints: number;
  /** Minor units by currency. A currency that is not named has no fixed part: 50 cents and 50 yen are not the same fee. */
  readonly perBooking: ReadonlyMap<string, bigint>;
  readonly perPlace: ReadonlyMap<string, bigint>;
}

export const NO_FEE: PlatformFee = { basisPoints: 0, perBooking: new Map(), perPlace: new Map() };

/**
 * The fee on a booking of `places` places whose other lines come to `subtotal`. The share is rounded down, once, for the whole
 * booking: odd minor units are the customer's, as with refunds (product.md). What is free stays free.
 */
export function platformFeeOn(fee: PlatformFee, subtotal: Money, places: number): Money {
  const { amount, currency } = subtotal;
  if (amount === 0n) return { amount: 0n, currency };
  const share = (amount * BigInt(fee.basisPoints)) / 10_000n;
  const fixed = (fee.perBooking.get(currency) ?? 0n) + (fee.perPlace.get(currency) ?? 0n) * BigInt(places);
  return { amount: share + fixed, currency };
}

/** The lines of a booking with the fee as the last of them, and what they come to. */
export function withPlatformFee(
  lines: readonly PriceLine[],
  currency: string,
  places: number,
  fee: PlatformFee,
): { readonly lines: readonly PriceLine[]; readonly price: Money } {
  const subtotal = lines.reduce<Money>(
    (sum, { unitAmount, quantity }) => addMoney(sum, { amount: unitAmount * BigInt(quantity), currency }),
    { amount: 0n, currency },
  );
  const { amount } = platformFeeOn(fee, subtotal, places);
  if (amount === 0n) return { lines, price: subtotal };
  return {
    lines: [...lines, { kind: 'fee', label: 'Platform fee', category: null, quantity: 1, unitAmount: amount }],
    price: { amount: subtotal.amount + amount, currency },
  };
}
