/** What the price of one place depends on. */
export interface Demand {
  /** Minor units. */
  readonly listAmount: number;
  readonly capacity: number;
  /** Places that are held or sold, those that are asked about included. */
  readonly taken: number;
  /** Until the event starts; negative once it has. */
  readonly hoursLeft: number;
}

/** A full house costs half as much again. */
const FULL_HOUSE_BASIS_POINTS = 5_000;
/** What is left on the last day gets cheaper by up to this, unless half of the house is sold. */
const LAST_DAY_BASIS_POINTS = 3_000;
const LAST_DAY_HOURS = 24;

/**
 * The price of one place by demand: it rises with the share of places that are taken, in proportion, and falls over the last day for an
 * event that half of the house does not want. Whole minor units, rounded to the nearest; what is free stays free.
 */
export function demandPrice({ listAmount, capacity, taken, hoursLeft }: Demand): number {
  const share = Math.min(1, Math.max(0, taken / capacity));
  const rise = Math.round(FULL_HOUSE_BASIS_POINTS * share);
  const late = Math.min(1, Math.max(0, 1 - hoursLeft / LAST_DAY_HOURS));
  const fall = share < 0.5 ? Math.round(LAST_DAY_BASIS_POINTS * late) : 0;
  // In bigint: an amount near the largest safe integer times ten thousand is no safe integer.
  return Number((BigInt(listAmount) * BigInt(10_000 + rise - fall) + 5_000n) / 10_000n);
}
