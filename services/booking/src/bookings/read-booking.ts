import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { Pool } from '@holdfast/shared/db/pool';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { isId, type UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { toBookingJson } from './booking-row.ts';
import { readBooking, readHistory, type ReadBooking } from './booking-store.ts';

const REFERENCE = /^BK\d{8}-[0-9A-HJKMNP-TV-Z]{6}$/;

/** Whose bookings the caller may see and act on: the own ones, or anybody's (null) as an operator. */
export function ownerFor(caller: SignedInCaller): UserId | null {
  return caller.role === 'customer' ? caller.userId : null;
}

/** A booking that the caller may see. @throws Problem `not_found`, also for a malformed id or reference. */
export async function findBooking(
  pool: Pool,
  caller: SignedInCaller,
  by: { id: string } | { reference: string },
): Promise<ReadBooking> {
  const owner = ownerFor(caller);
  let found: ReadBooking | null = null;
  if ('id' in by) {
    if (isId('bkg', by.id)) found = await readBooking(pool, { id: by.id }, owner);
  } else if (REFERENCE.test(by.reference)) {
    found = await readBooking(pool, by, owner);
  }
  if (!found) throw new Problem('not_found');
  return found;
}

/** One booking, by id or by reference: the caller's own, or anybody's for an operator. @throws Problem `not_found`, also for malformed ids. */
export async function readBookingOf(
  pool: Pool,
  caller: SignedInCaller,
  by: { id: string } | { reference: string },
): Promise<BookingJson> {
  const { row, now } = await findBooking(pool, caller, by);
  return toBookingJson(row, now);
}

/** The transitions of a booking, oldest first. @throws Problem `not_found`. */
export async function readHistoryOf(pool: Pool, caller: SignedInCaller, id: string) {
  const { row } = await findBooking(pool, caller, { id });
  const history = await readHistory(pool, row.id);
  return history.map((entry) => ({
    from: entry.from_status,
    to: entry.to_status,
    reason: entry.reason,
    actor: entry.actor,
    on_behalf_of: isId('usr', entry.actor) && entry.actor !== row.user_id ? row.user_id : null,
    cause: entry.cause,
    at: entry.at.toISOString(),
  }));
}
