import type { Tx } from '@holdfast/shared/db/transaction';
import { dropOpen } from './delivery-store.ts';

/** Ends what is on its way to an endpoint that is deleted. A call under way finds its lease gone. */
export function dropDeliveriesTo(tx: Tx, endpointId: string): Promise<void> {
  return dropOpen(tx, endpointId);
}
