import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import { outcome } from '../events.ts';
import { lockInventory, type ClaimedInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { BOOKING_COLUMNS, type BookingRow } from './booking-row.ts';
import { lockBookings } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface ExpireDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

/** Holds that one round takes: 50,000 that lapse together are done in 50 rounds. */
const BATCH = 1_000;
/** Of those with a payment under way; each takes many more rows with it. */
const SAGA_BATCH = 100;

/**
 * Frees what is held past its expiry. Holds without a payment go set-based; one with a payment under way goes through its saga, which
 * asks the provider to void after the places are free. A pinned hold is being captured and never expires. Any number of replicas
 * may run this: the guarded UPDATE lets each hold expire once.
 */
export async function expireHolds(deps: ExpireDeps): Promise<{ expired: number; more: boolean }> {
  const due = await deps.pool.query<ClaimedInventory & { id: BookingId; has_saga: boolean }>(
    `select id, event_id, resource_id, payment_id is not null as has_saga
       from bookings
      where status in ('HELD', 'PAYMENT_INITIATED')
        and pinned_at is null
        and hold_expires_at <= clock.app_now()
      order by hold_expires_at
      limit ${BATCH}`,
  );
  if (due.rows.length === 0) return { expired: 0, more: false };
  const plain = due.rows.filter((row) => !row.has_saga);
  const expired: BookingId[] = [];
  if (plain.length > 0) expired.push(...(await withTransaction(deps.pool, (tx) => expirePlain(tx, plain))));
  const paid = due.rows.filter((row) => row.has_saga);
  for (let at = 0; at < paid.length; at += SAGA_BATCH) {
    const some = paid.slice(at, at + SAGA_BATCH);
    expired.push(...(await withTransaction(deps.pool, (tx) => expireWithPayment(tx, some))));
  }
  failpoint('booking.expire.after_commit');
  deps.onCommit();
  for (const id of expired) deps.watch.changed(id);
  return { expired: expired.length, more: due.rows.length === BATCH };
}

async function expirePlain(tx: Tx, due: readonly (ClaimedInventory & { id: BookingId })[]): Promise<BookingId[]> {
  await lockInventory(tx, due);
  const cause = { id: newId('req'), traceparent: null };
  const { rows } = await tx.query<BookingRow>(
    `with due as (
       select id
         from bookings
        where id = any ($1::text[])
          and status = 'HELD' and payment_id is null and hold_expires_at <= clock.app_now()
        order by id
          for update
     ), changed as (
       update bookings
          set status = 'EXPIRED', version = version + 1, booking_seq = booking_seq + 1, updated_at = clock.app_now()
        where id in (select id from due)
       returning ${BOOKING_COLUMNS}
     ), history as (
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select id, version, 'HELD', 'EXPIRED', 'the hold ran out', 'system', $2, updated_at from changed
     )
     select * from changed`,
    [due.map(({ id }) => id), cause.id],
  );
  if (rows.length === 0) return [];
  await releaseClaims(
    tx,
    rows.map((row) => row.id),
  );
  await appendToOutbox(
    tx,
    '/booking',
    rows.map((row) => outcome('expired', row, cause, row.updated_at)),
  );
  return rows.map((row) => row.id);
}

async function expireWithPayment(tx: Tx, due: readonly (ClaimedInventory & { id: BookingId })[]): Promise<BookingId[]> {
  await lockInventory(tx, due);
  // What was due a moment ago may have been paid, pinned or expired by another replica: look again under the lock.
  const locked = await lockBookings(
    tx,
    due.map(({ id }) => id),
  );
  const lapsed = new Map(
    [...locked].filter(
      ([, { row, now }]) =>
        ['HELD', 'PAYMENT_INITIATED'].includes(row.status) && row.pinned_at === null && row.hold_expires_at! <= now,
    ),
  );
  const cause = { id: newId('req'), traceparent: null };
  const results = await applyToLocked(
    tx,
    [...lapsed.keys()].map((bookingId) => ({
      ...{
        bookingId,
        message: 'hold_expired' as const,
        attempt: null,
        reason: 'the hold ran out',
        actor: 'system',
        cause,
      },
    })),
    lapsed,
  );
  return [...results].flatMap(([id, { applied }]) => (applied ? [id] : []));
}
