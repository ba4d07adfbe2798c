import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { recordAudit } from '../audit/record-audit.ts';
import { toBookingJson, type BookingRow } from './booking-row.ts';

/**
 * Writes into the audit log what somebody did to a booking of another user: the booking before, null for a new one, and after, each with
 * its customer. Nothing for one's own booking, and for a call that changed nothing. In the transaction of the change.
 */
export async function auditForCustomer(
  tx: Tx,
  caller: SignedInCaller,
  before: BookingRow | null,
  after: BookingRow,
  now: Date,
): Promise<void> {
  if (caller.userId === after.user_id || before?.version === after.version) return;
  const was = before && toBookingJson(before, now);
  await recordAudit(tx, caller, before === null ? 'create' : 'update', was, toBookingJson(after, now));
}
