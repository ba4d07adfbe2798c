import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId } from '@holdfast/shared/ids';
import type { Logger } from 'pino';
import { lockBooking } from '../bookings/booking-store.ts';
import { sendCommand } from './apply-saga-message.ts';
import { AWAITING, STUCK_AFTER_TRIES, resendAfterSeconds } from './checkout-saga.ts';
import { countTry, dueSagas, lockSaga } from './saga-store.ts';

export interface SagaDriverDeps {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly onCommit: () => void;
}

/**
 * Asks again where the payment service has not answered in time. A saga lives in its row alone, so any replica drives any saga; the
 * command carries the attempt, and the payment service answers a known attempt again instead of doing it twice.
 */
export async function driveSagas(deps: SagaDriverDeps): Promise<{ sent: number; more: boolean }> {
  const due = await withTransaction(deps.pool, (tx) => dueSagas(tx, 100));
  let sent = 0;
  for (const bookingId of due) {
    if (await withTransaction(deps.pool, (tx) => resend(tx, deps, bookingId))) sent += 1;
  }
  if (sent > 0) deps.onCommit();
  return { sent, more: due.length === 100 };
}

async function resend(tx: Tx, deps: SagaDriverDeps, bookingId: BookingId): Promise<boolean> {
  const locked = await lockBooking(tx, bookingId);
  const saga = await lockSaga(tx, bookingId);
  if (!locked || !saga) return false;
  const command = AWAITING[saga.state];
  const { rows } = await tx.query<{ due: boolean }>(
    'select next_action_at <= clock.app_now() as due from checkout_sagas where booking_id = $1',
    [bookingId],
  );
  if (!command || !rows[0]?.due) return false;
  if (saga.tries + 1 >= STUCK_AFTER_TRIES && saga.state === 'CAPTURING') {
    deps.logger.error({ booking_id: bookingId, state: saga.state, tries: saga.tries }, 'saga is stuck');
    await countTry(tx, saga, null, `no answer to ${command} after ${saga.tries + 1} tries`);
    return false;
  }
  await countTry(tx, saga, resendAfterSeconds(saga.tries + 1), null);
  await sendCommand(tx, locked.row, saga, command, 'asked again', { id: newId('req'), traceparent: null }, locked.now);
  return true;
}
