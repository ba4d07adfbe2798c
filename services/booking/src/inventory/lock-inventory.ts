import type { Tx } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId, UserId } from '@holdfast/shared/ids';

/** What a booking claims, as far as locks are concerned. */
export interface ClaimedInventory {
  readonly event_id: EventId | null;
  readonly resource_id: ResourceId | null;
}

/**
 * Locks the events and resources of these bookings, each by id: the first locks of every transaction that changes claims. Those who
 * will claim anew name the users for whom they do, whose rows are next in the common order.
 */
export async function lockInventory(
  tx: Tx,
  claimed: readonly ClaimedInventory[],
  holders: readonly UserId[] = [],
): Promise<void> {
  const events = [...new Set(claimed.flatMap(({ event_id }) => event_id ?? []))].sort();
  const resources = [...new Set(claimed.flatMap(({ resource_id }) => resource_id ?? []))].sort();
  const users = [...new Set(holders)].sort();
  await tx.query('select lock_inventory($1::text[], $2::text[], $3::text[])', [events, resources, users]);
}
