import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import type { HallRow } from '../../inventory/hall-layout.ts';

/** What an event says about seats must fit those of its hall: each category has a price, and what the house keeps is there. */
export function checkSeats(
  rows: readonly HallRow[],
  event: { readonly prices: readonly { category: string }[]; readonly house_blocks?: readonly string[] | undefined },
): CatalogueRefusal | null {
  const priced = new Set(event.prices.map((price) => price.category));
  const unpriced = new Set(rows.map((row) => row.category).filter((category) => !priced.has(category)));
  if (unpriced.size > 0) return { refused: 'category_without_price', categories: [...unpriced] };

  const seatsOf = new Map(rows.map(({ row, seats }) => [row, seats]));
  const unknown = (event.house_blocks ?? []).flatMap((label, index) => {
    const [row, number] = label.split('-') as [string, string];
    return Number(number) <= (seatsOf.get(row) ?? 0) ? [] : [index];
  });
  return unknown.length > 0 ? { refused: 'unknown_seat', indexes: unknown } : null;
}
