import type { Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { dropOpen, dropOpenTexts } from './delivery-store.ts';

/** Ends what is on its way to an endpoint that is deleted. A call under way finds its lease gone. */
export function dropDeliveriesTo(tx: Tx, endpointId: string): Promise<void> {
  return dropOpen(tx, endpointId);
}

/** Ends what is on its way to the phone of a user who wants no text messages any more. */
export function dropTextsOf(tx: Tx, userId: UserId): Promise<void> {
  return dropOpenTexts(tx, userId);
}
