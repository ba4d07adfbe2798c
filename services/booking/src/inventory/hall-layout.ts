/** One seat of a hall. */
export interface Seat {
  /** `${row}-${number}`, as clients name it; unique within the hall. */
  readonly label: string;
  readonly row: string;
  /** Position of the row from the front, 0 first. */
  readonly rowIndex: number;
  /** 1 for the first seat of the row. */
  readonly number: number;
  readonly category: string;
  readonly accessible: boolean;
}

/** The seats of a hall in its own order: rows from the front, each from its first seat. */
export interface HallLayout {
  readonly seats: readonly Seat[];
  readonly byLabel: ReadonlyMap<string, Seat>;
  readonly rows: readonly (readonly Seat[])[];
}

/** A row as the catalogue stores it. `accessible` lists seat numbers. */
export interface HallRow {
  readonly row: string;
  readonly seats: number;
  readonly category: string;
  readonly accessible: readonly number[];
}

/** Numbers every seat of the rows. Row labels are unique and hold no dash (the contract checks both), so labels are unique too. */
export function buildHallLayout(rows: readonly HallRow[]): HallLayout {
  const built = rows.map(({ row, seats, category, accessible }, rowIndex) => {
    const accessibleNumbers = new Set(accessible);
    return Array.from({ length: seats }, (_, index): Seat => {
      const number = index + 1;
      return { label: `${row}-${number}`, row, rowIndex, number, category, accessible: accessibleNumbers.has(number) };
    });
  });
  const seats = built.flat();
  return { seats, byLabel: new Map(seats.map((seat) => [seat.label, seat])), rows: built };
}

/** Layouts by hall and version, built once a process. A version of a hall never changes, so what is kept cannot be stale. */
export interface HallLayouts<Db = unknown> {
  /** Reads through `db` when this process has not seen that version of the hall yet. */
  get(db: Db, hallId: string, version: number): Promise<HallLayout>;
}

const LAYOUTS_KEPT = 200;

/** `loadRows` reads the rows of one version of a hall; it throws when there is no such version. */
export function createHallLayouts<Db>(
  loadRows: (db: Db, hallId: string, version: number) => Promise<readonly HallRow[]>,
): HallLayouts<Db> {
  const layouts = new Map<string, HallLayout>();
  return {
    async get(db, hallId, version) {
      const key = `${hallId}/${version}`;
      const known = layouts.get(key);
      if (known) return known;
      const layout = buildHallLayout(await loadRows(db, hallId, version));
      if (layouts.size >= LAYOUTS_KEPT) layouts.delete(layouts.keys().next().value!);
      layouts.set(key, layout);
      return layout;
    },
  };
}
