import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { toVenueJson, type VenueJson } from './venue-json.ts';
import { findVenue } from './venue-store.ts';

/** The venue, archived or not; null for an unknown or malformed id. */
export async function readVenue(db: Queryable, id: string): Promise<VenueJson | null> {
  const venue = isId('ven', id) ? await findVenue(db, id) : null;
  return venue && toVenueJson(venue);
}
