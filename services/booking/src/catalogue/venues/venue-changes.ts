import { venueBody } from '@holdfast/shared/contracts/catalogue';
import type { PatchCall } from '../answer-patch.ts';
import { updateVenue } from './update-venue.ts';
import type { VenueJson } from './venue-json.ts';
import { VENUES } from './venue-kind.ts';

/** How a venue is changed. */
export const VENUE_CHANGES: PatchCall<typeof venueBody, VenueJson> = {
  kind: VENUES,
  body: venueBody,
  toFields: ({ name, address, time_zone, currency, refund_policy }) => ({
    ...{ name, address, time_zone, currency, refund_policy },
  }),
  immutable: [],
  update: updateVenue,
};
