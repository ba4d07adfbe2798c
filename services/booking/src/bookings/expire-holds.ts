import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import { outcome } from '../events.ts';
import { lockInventory, type ClaimedInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { TOLD_COLUMNS, type ToldBooking } from './booking-row.ts';
import { lockBookings } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface ExpireDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

type DueHold = ClaimedInventory & { readonly id: BookingId };

/** Holds that one round takes. */
const ROUND = 4_000;
/** Holds of one transaction: long enough to share its statements, short enough for who waits for the same event. */
const BATCH = 500;
/** Of those with a payment under way; each takes many more rows with it. */
const SAGA_BATCH = 100;
/** Transactions side by side: one works in the database while the other's events are written here. */
const SIDE_BY_SIDE = 2;
/**
 * When more than one batch is due at a time, their events wait so long: publishing and consuming them takes as much of the machine as
 * freeing the places does, and the places come first (G7).
 */
const CROWD_TOLD_AFTER_MS = 5_000;

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
  const tellAfterMs = plain.length > BATCH ? CROWD_TOLD_AFTER_MS : 0;
  const batches = [
    ...inBatches(plain, BATCH).map((some) => () => withTransaction(deps.pool, (tx) => expirePlain(tx, some, tellAfterMs))),
    ...inBatches(paid, SAGA_BATCH).map((some) => async () => {
      const expired = await withTransaction(deps.pool, (tx) => expireWithPayment(tx, some));
      for (const id of expired) deps.watch.changed(id);
      return expired.length;
    }),
  ];
  let expired = 0;
  const failures: unknown[] = [];
  const lane = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
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
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  if (failures.length > 0) throw failures[0];
  return { expired, more: due.rows.length === ROUND };
}

/**
 * Expires holds of which nobody has begun to pay, so nobody waits for their next change either. The inventory is locked, so whoever
 * locks several of these bookings at once is kept out.
 */
async function expirePlain(tx: Tx, due: readonly DueHold[], tellAfterMs: number): Promise<number> {
  await lockInventory(tx, due);
  const cause = { id: newId('req'), traceparent: null };
  // Row by row by the primary key: a plan over the index of live holds would read all of it for each batch.
  const { rows } = await tx.query<ToldBooking & { updated_at: Date }>({
    text: `with due as (
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
                set status = 'EXPIRED', version = version + 1, booking_seq = booking_seq + 1,
                    updated_at = (select clock.app_now())
               from due
              where bookings.ctid = due.place
             returning ${TOLD_COLUMNS}, version, updated_at
           ), history as (
             insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
             select id, version, 'HELD', 'EXPIRED', 'the hold ran out', 'system', $2, updated_at from changed
           )
           select * from changed`,
    values: [due.map(({ id }) => id).sort(), cause.id],
  });
  if (rows.length === 0) return 0;
  await releaseClaims(
    tx,
    rows.map((row) => row.id),
  );
  await appendToOutbox(
    tx,
    '/booking',
    rows.map((row) => ({
      ...outcome('expired', row, cause, row.updated_at),
      ...(tellAfterMs === 0 ? {} : { availableAt: new Date(row.updated_at.getTime() + tellAfterMs) }),
    })),
  );
  return rows.length;
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
