import type { HallRow } from './hall-store.ts';

/** The hall as the API shows it. */
export function toHallJson(row: HallRow) {
  return {
    id: row.id,
    object: 'hall' as const,
    venue_id: row.venue_id,
    name: row.name,
    rows: row.rows,
    seat_count: row.seat_count,
    version: row.version,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    archived_at: row.archived_at?.toISOString() ?? null,
  };
}

export type HallJson = ReturnType<typeof toHallJson>;
