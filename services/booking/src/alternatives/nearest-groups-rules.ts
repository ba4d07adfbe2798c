import { bestAdjacentSeats } from '../inventory/best-adjacent.ts';
import type { HallLayout, Seat } from '../inventory/hall-layout.ts';

/** Rows further away are no neighbours any more, and a large hall need not be searched as a whole. */
const ROWS_LOOKED_AT = 10;

/** A group of free seats with its distance from what was asked for. */
interface Group {
  readonly seats: readonly Seat[];
  readonly rowDistance: number;
  readonly otherCategory: boolean;
  /** Between the middles, in half seats. */
  readonly distance: number;
}

/**
 * Up to `most` groups of free seats, as many as were asked for, next to each other and of one category: those of the same row first,
 * then by distance of the row, the same category before others, then by distance in the row. They do not overlap. Accessible seats
 * are left for those who asked for one.
 */
export function nearestGroups(
  layout: HallLayout,
  isTaken: (label: string) => boolean,
  wanted: readonly string[],
  most: number,
): string[][] {
  const asked = wanted.flatMap((label) => layout.byLabel.get(label) ?? []);
  const first = asked[0];
  if (!first) return [];
  const inFirstRow = asked.filter((seat) => seat.rowIndex === first.rowIndex).map((seat) => seat.number);
  const middle = Math.min(...inFirstRow) + Math.max(...inFirstRow);
  const mayBeAccessible = asked.some((seat) => seat.accessible);
  const usable = (seat: Seat) => !isTaken(seat.label) && (mayBeAccessible || !seat.accessible);

  const rows = layout.rows.slice(Math.max(0, first.rowIndex - ROWS_LOOKED_AT), first.rowIndex + ROWS_LOOKED_AT + 1);
  const groups = rows.flatMap((row) =>
    runsOf(row, usable, wanted.length).map((seats): Group => {
      const [from, to] = [seats[0]!, seats.at(-1)!];
      return {
        seats,
        rowDistance: Math.abs(from.rowIndex - first.rowIndex),
        otherCategory: from.category !== first.category,
        distance: Math.abs(from.number + to.number - middle),
      };
    }),
  );
  groups.sort(
    (a, b) =>
      a.rowDistance - b.rowDistance ||
      Number(a.otherCategory) - Number(b.otherCategory) ||
      a.distance - b.distance ||
      a.seats[0]!.rowIndex - b.seats[0]!.rowIndex ||
      a.seats[0]!.number - b.seats[0]!.number,
  );
  const used = new Set<Seat>();
  const chosen: string[][] = [];
  for (const { seats } of groups) {
    if (chosen.length === most) break;
    if (seats.some((seat) => used.has(seat))) continue;
    for (const seat of seats) used.add(seat);
    chosen.push(seats.map((seat) => seat.label));
  }
  return chosen;
}

/** Every window of `size` usable neighbours of one category. */
function runsOf(row: readonly Seat[], usable: (seat: Seat) => boolean, size: number): (readonly Seat[])[] {
  const windows: (readonly Seat[])[] = [];
  let run = 0;
  row.forEach((seat, end) => {
    if (!usable(seat)) run = 0;
    else run = run > 0 && row[end - 1]!.category === seat.category ? run + 1 : 1;
    if (run >= size) windows.push(row.slice(end - size + 1, end + 1));
  });
  return windows;
}

/**
 * What remains when `quantity` neighbours of a category (any when null) are not to be had: as many of each other category, in the order
 * of `categories`, and the largest smaller group of the one that was asked for.
 */
export function groupsInstead(
  layout: HallLayout,
  isTaken: (label: string) => boolean,
  wanted: { readonly quantity: number; readonly category: string | null },
  categories: readonly string[],
  most: number,
): string[][] {
  const labels = (seats: readonly Seat[]) => seats.map((seat) => seat.label);
  const others = wanted.category === null ? [] : categories.filter((category) => category !== wanted.category);
  const found = others.flatMap((category) => {
    const seats = bestAdjacentSeats(layout, isTaken, wanted.quantity, category);
    return seats ? [labels(seats)] : [];
  });
  const smaller = largestGroup(layout, isTaken, wanted.quantity - 1, wanted.category);
  return [...found.slice(0, smaller ? most - 1 : most), ...(smaller ? [labels(smaller)] : [])];
}

/** Where there are n neighbours there are n - 1, so the largest number is found by halving. */
function largestGroup(
  layout: HallLayout,
  isTaken: (label: string) => boolean,
  atMost: number,
  category: string | null,
): Seat[] | null {
  let best: Seat[] | null = null;
  let [low, high] = [1, atMost];
  while (low <= high) {
    const size = Math.ceil((low + high) / 2);
    const seats = bestAdjacentSeats(layout, isTaken, size, category);
    if (seats) {
      best = seats;
      low = size + 1;
    } else {
      high = size - 1;
    }
  }
  return best;
}
