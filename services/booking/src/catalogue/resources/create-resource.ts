import type { z } from 'zod';
import type { resourceBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import { referenceVenue } from '../venues/reference-venue.ts';
import { toResourceJson, type ResourceJson } from './resource-json.ts';
import { insertResource } from './resource-store.ts';

/** Creates a resource in a venue that is not archived, priced in that venue's currency. */
export async function createResource(
  tx: Tx,
  input: z.output<typeof resourceBody>,
): Promise<ResourceJson | CatalogueRefusal> {
  const venue = await referenceVenue(tx, input.venue_id);
  if ('refused' in venue) return venue;
  if (input.price_per_slot.currency !== venue.currency)
    return { refused: 'currency_differs', expected: venue.currency };

  const resource = await insertResource(tx, {
    id: newId('res'),
    venueId: venue.id,
    name: input.name,
    slotMinutes: input.slot_minutes,
    minSlots: input.min_slots,
    maxSlots: input.max_slots ?? null,
    openingHours: input.opening_hours,
    exceptions: input.exceptions,
    pricePerSlot: BigInt(input.price_per_slot.amount),
  });
  return toResourceJson(resource);
}
