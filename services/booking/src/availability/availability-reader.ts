import type { Pool } from '@holdfast/shared/db/pool';
import { createHallLayouts } from '../inventory/hall-layout.ts';
import { readHallRows } from '../inventory/read-hall-rows.ts';
import { InventoryVersions } from './inventory-versions.ts';
import { EventAvailabilityReader } from './read-event-availability.ts';

/** The reader of event availability with what it keeps in memory: one for a process. */
export function createEventAvailabilityReader(pool: Pool): EventAvailabilityReader {
  return new EventAvailabilityReader({
    pool,
    layouts: createHallLayouts(readHallRows),
    versions: new InventoryVersions(pool),
  });
}
