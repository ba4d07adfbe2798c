import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import { lockInventory, type ClaimedInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { lockBookings } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';
import { tellLater, tellNow, type Expiry } from './tell-expiries.ts';

export interface ExpireDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

type DueHold = ClaimedInventory & { readonly id: BookingId };

/** Holds that one round takes. */
const ROUND = 8_000;
/** Holds of one transaction, of which two go on side by side: long enough to share its statements, short enough for who waits for the same event. */
const BATCH = 1_000;
/** Of those with a payment under way; each takes many more rows with it. */
const SAGA_BATCH = 100;
/**
 * Frees what is held past its expiry. Holds without a payment go set-based; one with a payment under way goes through its saga, which
 * asks the provider to void after the places are free. A pinned hold is being captured and never expires. Any number of replicas
 * may run this: the guarded UPDATE lets each hold expire once.
 * @throws the first error of a batch, after all others were done.
 */
export async function expireHolds(deps: ExpireDeps): Promise<{ expired: number; more: boolean }> {
  const due = await deps.pool.query<DueHold & { has_saga: boolean }>(
    `select id, event_id, resource_id, payment_id is not null as has_saga
       from bookings
      where status in ('HELD', 'PAYMENT_INITIATED')
        and pinned_at is null
        and hold_expires_at <= clock.app_now()
      order by hold_expires_at
      limit ${ROUND}`,
  );
  // Those of one event or resource stand together, so that a batch locks few of them.
  const plain = due.rows.filter((row) => !row.has_saga).sort(byInventory);
  const paid = due.rows.filter((row) => row.has_saga);
  const crowd = plain.length > BATCH;
  const batches = [
    ...inBatches(plain, BATCH).map((some) => () => withTransaction(deps.pool, (tx) => expirePlain(tx, some, crowd))),
    ...inBatches(paid, SAGA_BATCH).map((some) => async () => {
      const expired = await withTransaction(deps.pool, (tx) => expireWithPayment(tx, some));
      for (const id of expired) deps.watch.changed(id);
      return expired.length;
    }),
  ];
  let expired = 0;
  const failures: unknown[] = [];
  const lane = async (take: () => (() => Promise<number>) | undefined) => {
    for (let batch = take(); batch; batch = take()) {
      try {
        const count = await batch();
        expired += count;
        if (count === 0) continue;
        failpoint('booking.expire.after_commit');
        deps.onCommit();
      } catch (error) {
        // One event that somebody keeps locked must not keep the holds of the others.
        failures.push(error);
      }
    }
  };
  // From both ends, so that they do not wait for each other's event.
  await Promise.all([lane(() => batches.shift()), lane(() => batches.pop())]);
  if (failures.length > 0) throw failures[0];
  return { expired, more: due.rows.length === ROUND };
}

/**
 * Expires holds of which nobody has begun to pay, so nobody waits for their next change either. The inventory is locked, so whoever
 * locks several of these bookings at once is kept out. Of a crowd the places come first (G7): writing, publishing and consuming its
 * events takes more of the machine than freeing them does, so it is put down whom to tell.
 */
async function expirePlain(tx: Tx, due: readonly DueHold[], crowd: boolean): Promise<number> {
  await lockInventory(tx, due);
  const cause = newId('req');
  const ids = due.map(({ id }) => id).sort();
  const { rows: expired } = await tx.query<{ id: BookingId; at: Date }>(
    // Row by row by the primary key: a plan over the index of live holds would read all of it for each batch.
    `with due as (
       select booking.place
         from unnest($1::text[]) as wanted (id)
         cross join lateral (select ctid as place
                               from bookings
                              where bookings.id = wanted.id
                                and status = 'HELD'
                                and payment_id is null
                                and hold_expires_at <= (select clock.app_now())
                                for no key update) booking
     ), changed as (
       update bookings
          set status = 'EXPIRED', version = version + 1, booking_seq = booking_seq + 1, updated_at = (select clock.app_now())
         from due
        where bookings.ctid = due.place
       returning id, version, updated_at
     ), history as (
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select id, version, 'HELD', 'EXPIRED', 'the hold ran out', 'system', $2, updated_at from changed
     )
     select id, updated_at as at from changed`,
    [ids, cause],
  );
  if (expired.length === 0) return 0;
  const expiry: Expiry = { bookingIds: expired.map(({ id }) => id), cause, at: expired[0]!.at };
  await releaseClaims(tx, expiry.bookingIds);
  if (crowd) await tellLater(tx, expiry);
  else await tellNow(tx, expiry);
  return expired.length;
}

async function expireWithPayment(tx: Tx, due: readonly DueHold[]): Promise<BookingId[]> {
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

function byInventory(a: DueHold, b: DueHold): number {
  const [left, right] = [a.event_id ?? a.resource_id ?? '', b.event_id ?? b.resource_id ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}

function inBatches<T>(rows: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) =>
    rows.slice(index * size, (index + 1) * size),
  );
}
