import type { OccupancyJson } from '@holdfast/shared/contracts/catalogue';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { readOccupancyRow, type OccupancyRow } from './availability-store.ts';

type State = 'available' | 'locked' | 'booked' | 'blocked';
type Count = Record<State, number>;

/** How full an event is, as a whole and by category. Null for an unknown or malformed id. */
export async function readOccupancy(db: Queryable, layouts: HallLayouts, id: string): Promise<OccupancyJson | null> {
  const row = isId('evt', id) ? await readOccupancyRow(db, id) : null;
  if (!isId('evt', id) || !row) return null;
  const head = {
    object: 'occupancy' as const,
    event_id: id,
    version: Number(row.inventory_version),
    as_of: row.now.toISOString(),
  };
  return { ...head, ...(row.hall_id === null ? ofPool(row) : await ofHall(db, layouts, row)) };
}

type Figures = Pick<OccupancyJson, 'places' | 'states' | 'categories'>;

async function ofHall(db: Queryable, layouts: HallLayouts, row: OccupancyRow): Promise<Figures> {
  const layout = await layouts.get(db, row.hall_id!, row.hall_version!);
  const stateOf = new Map<string, State>(row.house_blocks.map((label) => [label, 'blocked']));
  // A claim on a seat that the house keeps is older than the block and counts as what it is.
  for (const { seat, state } of row.seats) stateOf.set(seat, state === 'BOOKED' ? 'booked' : 'locked');
  const total = nothing();
  const byCategory = new Map<string, Count>();
  for (const { label, category } of layout.seats) {
    const state = stateOf.get(label) ?? (row.cancelled ? 'blocked' : 'available');
    const count = byCategory.get(category) ?? nothing();
    byCategory.set(category, count);
    count[state]++;
    total[state]++;
  }
  return {
    places: layout.seats.length,
    states: sharesOf(total, layout.seats.length),
    categories: [...byCategory].map(([category, count]) => {
      const places = count.available + count.locked + count.booked + count.blocked;
      return { category, places, states: sharesOf(count, places) };
    }),
  };
}

function ofPool(row: OccupancyRow): Figures {
  const byCategory = new Map(row.categories.map((category) => [category, nothing()]));
  const left = row.capacity - row.claimed;
  const total = { ...nothing(), [row.cancelled ? 'blocked' : 'available']: left };
  for (const { category, state, places } of row.pool) {
    // A category may have been taken out of the prices since it was sold.
    const count = byCategory.get(category) ?? nothing();
    byCategory.set(category, count);
    count[state === 'BOOKED' ? 'booked' : 'locked'] += places;
    total[state === 'BOOKED' ? 'booked' : 'locked'] += places;
  }
  return {
    places: row.capacity,
    states: sharesOf(total, row.capacity),
    categories: [...byCategory].map(([category, count]) => ({
      category,
      places: null,
      states: { ...sharesOf(count, row.capacity), available: null },
    })),
  };
}

function nothing(): Count {
  return { available: 0, locked: 0, booked: 0, blocked: 0 };
}

function sharesOf(count: Count, places: number) {
  const share = (n: number) => ({ places: n, percent: Math.round((n / places) * 1_000) / 10 });
  return {
    available: share(count.available),
    locked: share(count.locked),
    booked: share(count.booked),
    blocked: share(count.blocked),
  };
}
