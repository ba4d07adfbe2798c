import type { Pool } from '@holdfast/shared/db/pool';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { InventoryVersions } from './inventory-versions.ts';
import { EventAvailabilityReader } from './read-event-availability.ts';

/** The reader of event availability with what it keeps in memory: one for a process. */
export function createEventAvailabilityReader(pool: Pool, layouts: HallLayouts): EventAvailabilityReader {
  return new EventAvailabilityReader({
    pool,
    layouts,
    versions: new InventoryVersions(pool),
  });
}
