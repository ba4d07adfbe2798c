/** When an event is sold; null leaves that side open. */
export interface SalesWindow {
  readonly opensAt: Date | null;
  readonly closesAt: Date | null;
}

/**
 * The sales window of an event that is moved by `byMs`. What is given stands. Without it the close keeps its distance to the start,
 * because it is meant by it ("until an hour before"); the opening stays, because a sale that has begun does not stop for a move.
 */
export function salesWindowMoved(
  before: SalesWindow,
  given: { readonly opensAt: Date | null | undefined; readonly closesAt: Date | null | undefined },
  byMs: number,
): SalesWindow {
  const moved = before.closesAt && new Date(before.closesAt.getTime() + byMs);
  return {
    opensAt: given.opensAt === undefined ? before.opensAt : given.opensAt,
    closesAt: given.closesAt === undefined ? moved : given.closesAt,
  };
}
