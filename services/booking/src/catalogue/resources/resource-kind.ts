import type { ResourceId } from '@holdfast/shared/ids';
import { lockInventory } from '../../inventory/lock-inventory.ts';
import type { CatalogueKind } from '../catalogue-kind.ts';
import { lockVenueForReference } from '../venues/venue-store.ts';
import { toResourceJson, type ResourceJson } from './resource-json.ts';
import { findResource } from './resource-store.ts';

export const RESOURCES: CatalogueKind<ResourceJson> = {
  collection: 'resources',
  prefix: 'res',
  async lock(tx, id) {
    const found = await findResource(tx, id as ResourceId);
    if (!found) return null;
    const venue = await lockVenueForReference(tx, found.venue_id);
    await lockInventory(tx, [{ event_id: null, resource_id: found.id }]);
    const row = await findResource(tx, found.id);
    return row && { object: toResourceJson(row), archivedAround: venue!.archived_at === null ? null : 'its venue' };
  },
  inventoryOf: (_tx, id) => Promise.resolve({ eventIds: [], resourceIds: [id as ResourceId] }),
  async read(tx, id) {
    const row = await findResource(tx, id as ResourceId);
    return row && toResourceJson(row);
  },
};
