import type { HallLayout } from '../inventory/hall-layout.ts';

/** Which seats an answer lists. */
export type SeatView = 'all' | 'taken';

export interface Counts {
  readonly available: number;
  readonly locked: number;
  readonly booked: number;
}

/** What the seats of a hall look like in JSON; it never changes, so a hall is spelled out once. */
interface SpelledHall {
  /** Each seat up to its status. */
  readonly openings: readonly string[];
  readonly available: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
}

const spelledHalls = new WeakMap<HallLayout, SpelledHall>();

/** `counts` and `seats` as the last members of a JSON object, in the order of the hall; written by hand because it is the bulk of all bytes. */
export function seatMembers(
  layout: HallLayout,
  locked: readonly string[],
  booked: readonly string[],
  view: SeatView,
): string {
  const hall = spelledHallOf(layout);
  const seats: (string | undefined)[] = view === 'all' ? [...hall.available] : [];
  for (const label of locked) seats[hall.indexOf.get(label)!] = withStatus(hall, label, 'LOCKED');
  for (const label of booked) seats[hall.indexOf.get(label)!] = withStatus(hall, label, 'BOOKED');
  // In the view of the taken ones the places of free seats are holes, which filter leaves out.
  const listed = view === 'all' ? seats : seats.filter(() => true);
  const counts = countMembers({
    available: layout.seats.length - locked.length - booked.length,
    locked: locked.length,
    booked: booked.length,
  });
  return `${counts},"seats":[${listed.join(',')}]`;
}

/** `counts` alone, for pools. */
export function countMembers({ available, locked, booked }: Counts): string {
  return `"counts":{"available":${available},"locked":${locked},"booked":${booked}}`;
}

function withStatus(hall: SpelledHall, label: string, status: 'LOCKED' | 'BOOKED'): string {
  return `${hall.openings[hall.indexOf.get(label)!]!}${status}"}`;
}

function spelledHallOf(layout: HallLayout): SpelledHall {
  let known = spelledHalls.get(layout);
  if (!known) {
    const openings = layout.seats.map(({ label, row, number, category }) =>
      // Ends inside the status, where withStatus goes on.
      JSON.stringify({ label, row, number, category, status: '' }).slice(0, -2),
    );
    known = {
      openings,
      available: openings.map((opening) => `${opening}AVAILABLE"}`),
      indexOf: new Map(layout.seats.map((seat, index) => [seat.label, index])),
    };
    spelledHalls.set(layout, known);
  }
  return known;
}
