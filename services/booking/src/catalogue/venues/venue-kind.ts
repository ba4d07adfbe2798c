import type { VenueId } from '@holdfast/shared/ids';
import type { CatalogueKind } from '../catalogue-kind.ts';
import { toVenueJson, type VenueJson } from './venue-json.ts';
import { findVenue, inventoryOfVenue, lockVenueForChange } from './venue-store.ts';

export const VENUES: CatalogueKind<VenueJson> = {
  collection: 'venues',
  prefix: 'ven',
  async lock(tx, id) {
    const row = await lockVenueForChange(tx, id as VenueId);
    return row && { object: toVenueJson(row), archivedAround: null };
  },
  inventoryOf: (tx, id) => inventoryOfVenue(tx, id as VenueId),
  async read(tx, id) {
    const row = await findVenue(tx, id as VenueId);
    return row && toVenueJson(row);
  },
};
