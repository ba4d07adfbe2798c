/** A hall of 10,000 seats: 100 rows of 100. */
export const HALL_ROWS = 100;
export const SEATS_PER_ROW = 100;
export const SEATS = HALL_ROWS * SEATS_PER_ROW;

/** Steps through a hall without a common divisor, so that neighbouring holds are not neighbouring seats. */
const STRIDE = 7_919;

export function rowLabel(row: number): string {
  return `R${String(row).padStart(2, '0')}`;
}

/**
 * The n-th hold of a round: which event and which seat. Holds go around the events; no two n below `events * SEATS` name the same
 * seat. @throws RangeError beyond.
 */
export function seatOf(n: number, events: number): { readonly event: number; readonly seat: string } {
  if (n >= events * SEATS) throw new RangeError(`${events} halls of ${SEATS} seats are sold out; use more events`);
  const seat = (Math.floor(n / events) * STRIDE) % SEATS;
  return { event: n % events, seat: `${rowLabel(Math.floor(seat / SEATS_PER_ROW))}-${(seat % SEATS_PER_ROW) + 1}` };
}

/** Seats that everybody wants. */
export const CONTESTED_SEATS = 100;

/** The n-th request for the seats that everybody wants: `inARow` requests in a row want the same one, then the next, and around. */
export function contestedSeat(n: number, inARow: number): { readonly event: 0; readonly seat: string } {
  return { event: 0, seat: `${rowLabel(0)}-${(Math.floor(n / inARow) % CONTESTED_SEATS) + 1}` };
}

/** Halls for a round at up to 15,000 holds a second. */
export function eventsFor(seconds: number): number {
  return Math.max(4, Math.ceil((seconds * 15_000) / SEATS));
}
