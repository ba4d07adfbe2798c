import type { z } from 'zod';
import type { venueBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { ChangeRefusal } from '../catalogue-refusal.ts';
import { toVenueJson, type VenueJson } from './venue-json.ts';
import { updateVenueRow, venueSellsSomething } from './venue-store.ts';

/** Changes a venue. Its currency stays once anything is priced in it; bookings keep the refund policy that they were bought under. */
export async function updateVenue(
  tx: Tx,
  current: VenueJson,
  input: z.output<typeof venueBody>,
): Promise<VenueJson | ChangeRefusal> {
  if (input.currency !== current.currency && (await venueSellsSomething(tx, current.id))) {
    return { refused: 'immutable', fields: ['currency'] };
  }
  const row = await updateVenueRow(
    tx,
    {
      id: current.id,
      name: input.name,
      address: input.address ?? null,
      timeZone: input.time_zone,
      currency: input.currency,
      refundPolicy: input.refund_policy ?? null,
    },
    current.version,
  );
  return row ? toVenueJson(row) : { refused: 'version_mismatch' };
}
