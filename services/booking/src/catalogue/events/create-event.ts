import type { z } from 'zod';
import type { eventBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import type { CatalogueRefusal } from '../catalogue-refusal.ts';
import { referenceHall } from '../halls/reference-hall.ts';
import { referenceVenue } from '../venues/reference-venue.ts';
import { checkSeats } from './check-seats.ts';
import { toEventJson, type EventJson } from './event-json.ts';
import { insertEvent, type NewEvent } from './event-store.ts';
import { toDate } from './update-event.ts';

type EventInput = z.output<typeof eventBody>;

/**
 * Creates an event in a venue that is not archived. One with seats takes its capacity from a hall of that venue, and every category
 * of the hall needs a price: a seat that cannot be priced cannot be sold. `quoting` says whether there is a quoter to ask.
 */
export async function createEvent(tx: Tx, input: EventInput, quoting: boolean): Promise<EventJson | CatalogueRefusal> {
  if (input.pricing === 'quoted' && !quoting) return { refused: 'no_quoter' };
  const venue = await referenceVenue(tx, input.venue_id);
  if ('refused' in venue) return venue;
  const places = await placesOf(tx, input);
  if ('refused' in places) return places;

  const event = await insertEvent(tx, {
    id: newId('evt'),
    venueId: venue.id,
    name: input.name,
    startsAt: new Date(input.starts_at),
    endsAt: new Date(input.ends_at),
    inventory: input.inventory,
    ...places,
    prices: input.prices,
    maxPerBooking: input.max_per_booking ?? null,
    pricing: input.pricing,
    quoteFallback: input.quote_fallback,
    salesOpenAt: toDate(input.sales_open_at),
    salesCloseAt: toDate(input.sales_close_at),
    houseBlocks: input.house_blocks ?? [],
  });
  return toEventJson(event);
}

type Places = Pick<NewEvent, 'hall' | 'capacity' | 'numbered'>;

// The contract has checked that seats come with a hall and pools with a capacity.
async function placesOf(tx: Tx, input: EventInput): Promise<Places | CatalogueRefusal> {
  if (input.inventory === 'pool') return { hall: null, capacity: input.capacity!, numbered: input.numbered ?? false };
  const hall = await referenceHall(tx, input.hall_id!, input.venue_id);
  if ('refused' in hall) return hall;

  const wrong = checkSeats(hall.rows, input);
  if (wrong) return wrong;
  return { hall: { id: hall.id, version: hall.version }, capacity: hall.seat_count, numbered: false };
}
