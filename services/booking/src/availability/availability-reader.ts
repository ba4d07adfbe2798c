import type { Pool } from '@holdfast/shared/db/pool';
import type { Redis } from '@holdfast/shared/redis/redis';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { InventoryVersions } from './inventory-versions.ts';
import { EventAvailabilityReader } from './read-event-availability.ts';
import { SharedBodies } from './shared-bodies.ts';

export interface SharingOptions {
  /** Null or left out: each replica builds for itself. */
  readonly redis?: Redis | null;
  /** Seals what is shared. */
  readonly internalSecret?: Secrets;
}

/** The reader of event availability with what it keeps in memory: one for a process. */
export function createEventAvailabilityReader(
  pool: Pool,
  layouts: HallLayouts,
  { redis, internalSecret }: SharingOptions,
): EventAvailabilityReader {
  return new EventAvailabilityReader({
    pool,
    layouts,
    versions: new InventoryVersions(pool),
    shared: redis && internalSecret ? new SharedBodies({ redis, secret: internalSecret }) : null,
  });
}
