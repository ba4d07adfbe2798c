import type { z } from 'zod';
import type { resourceBody } from '@holdfast/shared/contracts/catalogue';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { ChangeRefusal } from '../catalogue-refusal.ts';
import { toResourceJson, type ResourceJson } from './resource-json.ts';
import { findResource, updateResourceRow } from './resource-store.ts';

/** Changes a resource. Bookings keep the time and the price that they have; only what is booked from now on goes by the new rules. */
export async function updateResource(
  tx: Tx,
  current: ResourceJson,
  input: z.output<typeof resourceBody>,
): Promise<ResourceJson | ChangeRefusal> {
  const { currency } = current.price_per_slot;
  if (input.price_per_slot.currency !== currency) return { refused: 'currency_differs', expected: currency };

  const updated = await updateResourceRow(
    tx,
    {
      id: current.id,
      name: input.name,
      slotMinutes: input.slot_minutes,
      minSlots: input.min_slots,
      maxSlots: input.max_slots ?? null,
      openingHours: input.opening_hours,
      exceptions: input.exceptions,
      pricePerSlot: BigInt(input.price_per_slot.amount),
    },
    current.version,
  );
  return updated ? toResourceJson((await findResource(tx, current.id))!) : { refused: 'version_mismatch' };
}
