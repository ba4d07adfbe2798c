import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { outcome } from '../events.ts';
import { TOLD_COLUMNS, type ToldBooking } from './booking-row.ts';

/** Holds without a payment that ran out in one transaction. Nothing changes such a booking again, so it can be read later, too. */
export interface Expiry {
  readonly bookingIds: readonly BookingId[];
  /** What stands as cause in their history. */
  readonly cause: string;
  readonly at: Date;
}

/** While places are still to be freed, whoever waits to hear of it waits so long at most. */
const LATEST_MS = 5_000;

/** Writes the events of an expiry into the outbox. */
export async function tellNow(tx: Tx, { bookingIds, cause, at }: Expiry): Promise<void> {
  const { rows } = await tx.query<ToldBooking>(`select ${TOLD_COLUMNS} from bookings where id = any ($1::text[])`, [
    bookingIds,
  ]);
  await appendToOutbox(
    tx,
    '/booking',
    rows.map((row) => outcome('expired', row, { id: cause, traceparent: null }, at)),
  );
}

/** Puts down that an expiry is to be told: `tellExpiries` does it. */
export async function tellLater(tx: Tx, { bookingIds, cause, at }: Expiry): Promise<void> {
  await tx.query('insert into expiries_to_tell (booking_ids, cause, at) values ($1, $2, $3)', [bookingIds, cause, at]);
}

/**
 * Tells one expiry that was put down, once no hold is due any more. One a call, so that a loop's interval paces a crowd's events and
 * leaves the consumers room for others. Any number of replicas may run this.
 */
export async function tellExpiries(deps: {
  readonly pool: Pool;
  readonly onCommit: () => void;
}): Promise<{ told: number }> {
  const told = await withTransaction(deps.pool, async (tx) => {
    const { rows } = await tx.query<{ id: string; booking_ids: BookingId[]; cause: string; at: Date }>(
      `select id, booking_ids, cause, at
         from expiries_to_tell
        where at <= clock.app_now() - ${LATEST_MS} * interval '1 millisecond'
           or not exists (select
                            from bookings
                           where status in ('HELD', 'PAYMENT_INITIATED')
                             and pinned_at is null
                             and hold_expires_at <= clock.app_now())
        order by id
        limit 1
          for update skip locked`,
    );
    const [expiry] = rows;
    if (!expiry) return 0;
    await tellNow(tx, { bookingIds: expiry.booking_ids, cause: expiry.cause, at: expiry.at });
    await tx.query('delete from expiries_to_tell where id = $1', [expiry.id]);
    return expiry.booking_ids.length;
  });
  if (told > 0) deps.onCommit();
  return { told };
}
