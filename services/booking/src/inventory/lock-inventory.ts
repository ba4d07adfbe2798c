import type { Tx } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId } from '@holdfast/shared/ids';

/** What a booking claims, as far as locks are concerned. */
export interface ClaimedInventory {
  readonly event_id: EventId | null;
  readonly resource_id: ResourceId | null;
}

/** Locks the events and resources of these bookings, each by id: the first locks of every transaction that changes claims. */
export async function lockInventory(tx: Tx, claimed: readonly ClaimedInventory[]): Promise<void> {
  const events = [...new Set(claimed.flatMap(({ event_id }) => event_id ?? []))].sort();
  const resources = [...new Set(claimed.flatMap(({ resource_id }) => resource_id ?? []))].sort();
  await tx.query('select lock_inventory($1::text[], $2::text[], array[]::text[])', [events, resources]);
}
