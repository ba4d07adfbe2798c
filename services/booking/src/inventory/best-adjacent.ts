import type { HallLayout, Seat } from './hall-layout.ts';

/** How good a run of seats is; the first member that differs decides, lower is better. */
interface Rating {
  /** Accessible seats used: others can sit elsewhere, those who need one cannot. */
  readonly accessible: number;
  /** Free seats that would be left alone between taken ones: nobody comes to the theatre alone, so they are hard to sell. */
  readonly orphans: number;
  readonly rowIndex: number;
  /** Distance between the middle of the run and the middle of the row, in half seats. */
  readonly offCentre: number;
}

/**
 * The best `quantity` free seats that are next to each other in one row and of one category (`category`, or any when null): without
 * accessible seats where possible, then leaving no single seat behind where possible, then nearest to the front, then nearest to the
 * middle. Null when no row has that many free neighbours. In order of seat number.
 *
 * Goes through the rows from the front and stops at the first one with a run that nothing behind it could beat, so it is cheap while
 * there is room and looks at every seat once when the hall is nearly full.
 */
export function bestAdjacentSeats(
  layout: HallLayout,
  isTaken: (label: string) => boolean,
  quantity: number,
  category: string | null,
): Seat[] | null {
  if (quantity < 1) throw new RangeError(`quantity ${quantity}`);
  let best: { seats: Seat[]; rating: Rating } | null = null;
  for (const row of layout.rows) {
    if (row.length < quantity) continue;
    const found = bestOfRow(row, isTaken, quantity, category);
    if (found && (!best || isBetter(found.rating, best.rating))) best = found;
    if (best && best.rating.accessible === 0 && best.rating.orphans === 0) break;
  }
  return best && best.seats;
}

function bestOfRow(
  row: readonly Seat[],
  isTaken: (label: string) => boolean,
  quantity: number,
  category: string | null,
): { seats: Seat[]; rating: Rating } | null {
  const free = row.map((seat) => !isTaken(seat.label));
  let bestStart = -1;
  let best: Rating | null = null;
  // Length of the run of free seats of one category that ends at `end`, and how many accessible ones the window holds.
  let run = 0;
  let accessible = 0;
  for (let end = 0; end < row.length; end++) {
    const seat = row[end]!;
    const usable = free[end]! && (category === null || seat.category === category);
    const joins = run > 0 && seat.category === row[end - 1]!.category;
    if (!usable || !joins) {
      run = 0;
      accessible = 0;
    }
    if (!usable) continue;
    run++;
    if (seat.accessible) accessible++;
    if (run > quantity && row[end - quantity]!.accessible) accessible--;
    if (run < quantity) continue;

    const start = end - quantity + 1;
    const rating: Rating = {
      accessible,
      orphans: (isAlone(free, start - 1, -1) ? 1 : 0) + (isAlone(free, end + 1, 1) ? 1 : 0),
      rowIndex: seat.rowIndex,
      offCentre: Math.abs(start + end - (row.length - 1)),
    };
    if (!best || isBetter(rating, best)) {
      best = rating;
      bestStart = start;
    }
  }
  return best && { seats: row.slice(bestStart, bestStart + quantity), rating: best };
}

/** Whether the seat beside a run would be the only free one there: it is free and the one beyond it is not. */
function isAlone(free: readonly boolean[], beside: number, outwards: 1 | -1): boolean {
  return free[beside] === true && free[beside + outwards] !== true;
}

function isBetter(a: Rating, b: Rating): boolean {
  if (a.accessible !== b.accessible) return a.accessible < b.accessible;
  if (a.orphans !== b.orphans) return a.orphans < b.orphans;
  if (a.rowIndex !== b.rowIndex) return a.rowIndex < b.rowIndex;
  return a.offCentre < b.offCentre;
}
