import type { HallId } from '@holdfast/shared/ids';
import type { CatalogueKind } from '../catalogue-kind.ts';
import { lockVenueForReference } from '../venues/venue-store.ts';
import { toHallJson, type HallJson } from './hall-json.ts';
import { eventsOfHall, findHall, lockHallForChange } from './hall-store.ts';

export const HALLS: CatalogueKind<HallJson> = {
  collection: 'halls',
  prefix: 'hal',
  async lock(tx, id) {
    const found = await findHall(tx, id as HallId);
    if (!found) return null;
    const venue = await lockVenueForReference(tx, found.venue_id);
    const row = await lockHallForChange(tx, found.id);
    return row && { object: toHallJson(row), archivedAround: venue!.archived_at === null ? null : 'its venue' };
  },
  inventoryOf: async (tx, id) => ({ eventIds: await eventsOfHall(tx, id as HallId), resourceIds: [] }),
  async read(tx, id) {
    const row = await findHall(tx, id as HallId);
    return row && toHallJson(row);
  },
};
