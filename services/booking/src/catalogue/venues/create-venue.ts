import type { z } from 'zod';
import type { venueBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { toVenueJson, type VenueJson } from './venue-json.ts';
import { insertVenue } from './venue-store.ts';

/** Creates a venue. Without a refund policy it gets the usual one: 100 % at 24 hours before, 50 % at 6. */
export async function createVenue(tx: Tx, input: z.output<typeof venueBody>): Promise<VenueJson> {
  const venue = await insertVenue(tx, {
    id: newId('ven'),
    name: input.name,
    address: input.address ?? null,
    timeZone: input.time_zone,
    currency: input.currency,
    refundPolicy: input.refund_policy ?? null,
  });
  return toVenueJson(venue);
}
