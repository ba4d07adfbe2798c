import type { HallLayout } from '../inventory/hall-layout.ts';

/** Which seats an answer lists. */
export type SeatView = 'all' | 'taken';

export interface Counts {
  readonly available: number;
  readonly locked: number;
  readonly booked: number;
}

/** The JSON of each seat up to its status. It never changes, so a hall is spelled out once. */
const openings = new WeakMap<HallLayout, readonly string[]>();

/** `counts` and `seats` as the last members of a JSON object, in the order of the hall; written by hand because it is the bulk of all bytes. */
export function seatMembers(
  layout: HallLayout,
  locked: readonly string[],
  booked: readonly string[],
  view: SeatView,
): string {
  const status = new Map<string, 'LOCKED' | 'BOOKED'>();
  for (const label of locked) status.set(label, 'LOCKED');
  for (const label of booked) status.set(label, 'BOOKED');
  const opening = openingsOf(layout);
  const seats: string[] = [];
  layout.seats.forEach((seat, index) => {
    const taken = status.get(seat.label);
    if (taken !== undefined || view === 'all') seats.push(`${opening[index]!}${taken ?? 'AVAILABLE'}"}`);
  });
  const counts = countMembers({
    available: layout.seats.length - status.size,
    locked: status.size - booked.length,
    booked: booked.length,
  });
  return `${counts},"seats":[${seats.join(',')}]`;
}

/** `counts` alone, for pools. */
export function countMembers({ available, locked, booked }: Counts): string {
  return `"counts":{"available":${available},"locked":${locked},"booked":${booked}}`;
}

function openingsOf(layout: HallLayout): readonly string[] {
  let known = openings.get(layout);
  if (!known) {
    known = layout.seats.map(({ label, row, number, category }) =>
      // Ends inside the status, where the caller goes on.
      JSON.stringify({ label, row, number, category, status: '' }).slice(0, -2),
    );
    openings.set(layout, known);
  }
  return known;
}
