import type { z } from 'zod';
import type { hallBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import { referenceVenue } from '../venues/reference-venue.ts';
import { toHallJson, type HallJson } from './hall-json.ts';
import { insertHall } from './hall-store.ts';

/** Creates a hall in a venue that is not archived. */
export async function createHall(tx: Tx, input: z.output<typeof hallBody>): Promise<HallJson | CatalogueRefusal> {
  const venue = await referenceVenue(tx, input.venue_id);
  if ('refused' in venue) return venue;

  const hall = await insertHall(tx, {
    id: newId('hal'),
    venueId: venue.id,
    name: input.name,
    rows: input.rows,
    seatCount: input.rows.reduce((sum, row) => sum + row.seats, 0),
  });
  return toHallJson(hall);
}
