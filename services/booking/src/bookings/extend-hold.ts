import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { Problem } from '@holdfast/shared/problems';
import { holdExtended } from '../events.ts';
import { expiryExtended, type HoldTimes } from './booking.ts';
import { auditForCustomer } from './audit-for-customer.ts';
import { ownerFor } from './read-booking.ts';
import { toBookingJson } from './booking-row.ts';
import { changeBooking, lockBooking, nextSequence, readBooking } from './booking-store.ts';

export interface ExtendDeps {
  readonly pool: Pool;
  readonly times: HoldTimes;
  readonly onCommit: () => void;
}

export interface ExtendCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
  readonly scope: KeyScope;
}

/**
 * Gives a held booking a fresh hold time from now: once, and never past the maximum from its creation.
 * @throws Problem `not_found`, `hold_expired`, `conflict` (not HELD), `hold_extension_exhausted`.
 */
export async function extendHold(deps: ExtendDeps, command: ExtendCommand): Promise<OnceAnswered> {
  const result = await answerOnce(deps.pool, command.scope, (tx) => extend(tx, deps, command));
  deps.onCommit();
  return result;
}

async function extend(tx: Tx, deps: ExtendDeps, command: ExtendCommand): Promise<StoredAnswer> {
  const found = await readBooking(tx, { id: command.bookingId }, ownerFor(command.caller));
  if (!found) throw new Problem('not_found');
  const { row, now } = (await lockBooking(tx, command.bookingId))!;
  if (row.status === 'EXPIRED' || (row.status === 'HELD' && row.hold_expires_at! <= now)) {
    throw new Problem('hold_expired');
  }
  if (row.status !== 'HELD') throw new Problem('conflict', { detail: `the booking is ${row.status}` });
  const until = expiryExtended({ createdAt: row.created_at, holdExpiresAt: row.hold_expires_at! }, now, deps.times);
  if (row.extended_at !== null || until === null) throw new Problem('hold_extension_exhausted');

  await changeBooking(tx, row.id, { hold_expires_at: until, extended_at: now });
  const extended = await nextSequence(tx, row.id, 'hold');
  const cause = { id: command.caller.requestId, traceparent: command.caller.traceparent };
  await appendToOutbox(tx, '/booking', [holdExtended(extended, cause, now)]);
  await auditForCustomer(tx, command.caller, row, extended, now);
  return {
    status: 200,
    headers: { etag: `"${extended.version}"` },
    body: JSON.stringify(toBookingJson(extended, now)),
  };
}
