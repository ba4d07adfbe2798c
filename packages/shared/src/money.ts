/** An amount in minor units (cents) with its ISO 4217 currency. Amounts are bigint inside and integers on the wire. */
export interface Money {
  readonly amount: bigint;
  readonly currency: string;
}

/** Money as JSON carries it: minor units as an integer that a double holds exactly. */
export interface MoneyJson {
  amount: number;
  currency: string;
}

/** The largest amount that the API takes or gives: a JSON number stays exact up to here. */
export const MAX_AMOUNT = BigInt(Number.MAX_SAFE_INTEGER);

/** @throws RangeError when the amount is no longer exact as a JSON number. */
export function toMoneyJson(money: Money): MoneyJson {
  return { amount: amountToJson(money.amount), currency: money.currency };
}

/** @throws RangeError when the amount is no longer exact as a JSON number. */
export function amountToJson(amount: bigint): number {
  if (amount > MAX_AMOUNT || amount < -MAX_AMOUNT) throw new RangeError(`amount ${amount} is not exact in JSON`);
  return Number(amount);
}

/** @throws RangeError when the currencies differ: adding them would be a bug, not a refusal. */
export function addMoney(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`cannot add ${b.currency} to ${a.currency}`);
  return { amount: a.amount + b.amount, currency: a.currency };
}

export function multiplyMoney(money: Money, times: number): Money {
  if (!Number.isSafeInteger(times)) throw new RangeError(`cannot multiply money by ${times}`);
  return { amount: money.amount * BigInt(times), currency: money.currency };
}

/**
 * `percent` (0 to 100, integer) of an amount that goes back to the customer. Odd minor units go to the customer, so this rounds up
 * (product.md, refund policy).
 */
export function percentToCustomer(money: Money, percent: number): Money {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) throw new RangeError(`percent ${percent}`);
  return { amount: (money.amount * BigInt(percent) + 99n) / 100n, currency: money.currency };
}
