import { amountToJson } from '@holdfast/shared/money';

/** One line of a price; amounts in minor units. */
export interface PriceLine {
  readonly kind: 'place' | 'fee';
  readonly label: string;
  readonly category: string | null;
  readonly quantity: number;
  readonly unitAmount: bigint;
}

/** A line as bookings keep and show it. */
export interface PriceLineJson {
  /** Missing in bookings that were made before there were fees: all their lines are places. */
  kind?: PriceLine['kind'];
  label: string;
  category: string | null;
  quantity: number;
  unit_amount: number;
  amount: number;
}

/** @throws RangeError when an amount is no longer exact as a JSON number. */
export function toPriceLineJson({ kind, label, category, quantity, unitAmount }: PriceLine): PriceLineJson {
  return {
    kind,
    label,
    category,
    quantity,
    unit_amount: amountToJson(unitAmount),
    amount: amountToJson(unitAmount * BigInt(quantity)),
  };
}
