import type { Pool } from '@holdfast/shared/db/pool';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { BookingId } from '@holdfast/shared/ids';
import { readDeliveries, type DeliveryRow } from './delivery-store.ts';

export type { DeliveryRow };

/** What was told about a booking, oldest first. Customers see what was told to them, operators everything. */
export function listDeliveries(pool: Pool, caller: SignedInCaller, bookingId: BookingId): Promise<DeliveryRow[]> {
  return readDeliveries(pool, { bookingId, userId: caller.role === 'customer' ? caller.userId : null });
}
