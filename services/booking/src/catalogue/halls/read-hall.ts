import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { toHallJson, type HallJson } from './hall-json.ts';
import { findHall } from './hall-store.ts';

/** The hall, archived or not; null for an unknown or malformed id. */
export async function readHall(db: Queryable, id: string): Promise<HallJson | null> {
  const hall = isId('hal', id) ? await findHall(db, id) : null;
  return hall && toHallJson(hall);
}
