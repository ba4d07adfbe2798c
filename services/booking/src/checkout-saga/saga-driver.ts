import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId } from '@holdfast/shared/ids';
import type { Logger } from 'pino';
import { BookingDraft } from '../bookings/booking-draft.ts';
import { lockBookings } from '../bookings/booking-store.ts';
import { writeDrafts } from '../bookings/write-drafts.ts';
import { AWAITING, resendAfterSeconds } from './checkout-saga.ts';
import { draftCommand, later } from './draft-step.ts';
import { dueSagas, readSagas } from './saga-store.ts';

export interface SagaDriverDeps {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly onCommit: () => void;
}

/** Sagas that one round takes, in one transaction. */
const BATCH = 100;

/**
 * Asks again where the payment service has not answered in time, and for as long as it takes: what is late also stands in the
 * attention list. A saga lives in its row alone, so any replica drives any saga; the command carries the attempt, and the payment
 * service answers a known attempt again instead of doing it twice.
 */
export async function driveSagas(deps: SagaDriverDeps): Promise<{ sent: number; more: boolean }> {
  const due = await dueSagas(deps.pool, BATCH);
  if (due.length === 0) return { sent: 0, more: false };
  const sent = await withTransaction(deps.pool, (tx) => askAgain(tx, deps.logger, due));
  if (sent > 0) deps.onCommit();
  return { sent, more: due.length === BATCH };
}

async function askAgain(tx: Tx, logger: Logger, due: readonly BookingId[]): Promise<number> {
  const locked = await lockBookings(tx, due);
  const sagas = await readSagas(tx, [...locked.keys()]);
  const drafts: BookingDraft[] = [];
  for (const [id, { row, now }] of locked) {
    const saga = sagas.get(id);
    const command = saga && AWAITING[saga.state];
    // Answered, or asked by another replica, while we waited for the lock.
    if (!command || !saga.next_action_at || saga.next_action_at > now) continue;
    const draft = new BookingDraft(row, now);
    const tries = saga.tries + 1;
    const asked = { ...saga, tries, next_action_at: later(now, resendAfterSeconds(tries)) };
    draft.saga = { before: saga, after: asked };
    draftCommand(draft, asked, command, { now, reason: 'asked again', cause: { id: newId('req'), traceparent: null } });
    if (saga.deadline_at && saga.deadline_at <= now) {
      logger.warn({ booking_id: id, state: saga.state, tries, last_error: saga.last_error }, 'saga is overdue');
    }
    drafts.push(draft);
  }
  const now = [...locked.values()][0]?.now;
  if (now) await writeDrafts(tx, drafts, now);
  return drafts.length;
}
