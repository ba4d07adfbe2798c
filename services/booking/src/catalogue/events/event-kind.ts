import type { EventId } from '@holdfast/shared/ids';
import { lockInventory } from '../../inventory/lock-inventory.ts';
import type { CatalogueKind } from '../catalogue-kind.ts';
import { lockHallForReference } from '../halls/hall-store.ts';
import { lockVenueForReference } from '../venues/venue-store.ts';
import { toEventJson, type EventJson } from './event-json.ts';
import { findEvent } from './event-store.ts';

export const EVENTS: CatalogueKind<EventJson> = {
  collection: 'events',
  prefix: 'evt',
  async lock(tx, id) {
    const found = await findEvent(tx, id as EventId);
    if (!found) return null;
    const venue = await lockVenueForReference(tx, found.venue_id);
    const hall = found.hall_id && (await lockHallForReference(tx, found.hall_id));
    await lockInventory(tx, [{ event_id: found.id, resource_id: null }]);
    const row = await findEvent(tx, found.id);
    const around = venue!.archived_at !== null ? 'its venue' : hall && hall.archived_at !== null ? 'its hall' : null;
    return row && { object: toEventJson(row), archivedAround: around };
  },
  inventoryOf: (_tx, id) => Promise.resolve({ eventIds: [id as EventId], resourceIds: [] }),
  async read(tx, id) {
    const row = await findEvent(tx, id as EventId);
    return row && toEventJson(row);
  },
};
