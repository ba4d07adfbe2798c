import type { Tx } from '@holdfast/shared/db/transaction';
import type { VenueId } from '@holdfast/shared/ids';
import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import { lockVenueForReference, type VenueRow } from './venue-store.ts';

/** The venue that something new is to belong to; it cannot be archived before the transaction ends. */
export async function referenceVenue(tx: Tx, id: VenueId): Promise<VenueRow | CatalogueRefusal> {
  const venue = await lockVenueForReference(tx, id);
  if (!venue) return { refused: 'venue_unknown' };
  return venue.archived_at === null ? venue : { refused: 'venue_archived' };
}
