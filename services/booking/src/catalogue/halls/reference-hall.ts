import type { Tx } from '@holdfast/shared/db/transaction';
import type { HallId, VenueId } from '@holdfast/shared/ids';
import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import { lockHallForReference, type HallRow } from './hall-store.ts';

/** The hall of this venue that an event is to take place in; it can neither change nor be archived before the transaction ends. */
export async function referenceHall(tx: Tx, id: HallId, venueId: VenueId): Promise<HallRow | CatalogueRefusal> {
  const hall = await lockHallForReference(tx, id);
  if (!hall) return { refused: 'hall_unknown' };
  if (hall.archived_at !== null) return { refused: 'hall_archived' };
  return hall.venue_id === venueId ? hall : { refused: 'hall_elsewhere' };
}
