import type { PaymentStatus } from '@holdfast/shared/contracts/bookings';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { BookingRow } from '../bookings/booking-row.ts';
import {
  changeBooking,
  lockBooking,
  nextSequence,
  transition,
  type BookingChanges,
  type ReadBooking,
} from '../bookings/booking-store.ts';
import { quoteBookingRefund, type RefundRule } from '../bookings/refund-policy.ts';
import { checkoutCommand, outcome, type Cause } from '../events.ts';
import { bookClaims } from '../inventory/book-claims.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { ticketTexts } from '../tickets/issue-tickets.ts';
import {
  AWAITING,
  IGNORE,
  NOTE,
  decide,
  resendAfterSeconds,
  type SagaMessage,
  type SagaStep,
} from './checkout-saga.ts';
import { lockSaga, moveSaga, recordOutcome, recordRefund, type SagaRow } from './saga-store.ts';

/** A message to the saga of one booking, with what it brings along. */
export interface SagaInput {
  readonly bookingId: BookingId;
  readonly message: SagaMessage;
  /** Of which attempt the message speaks; null for one that concerns the booking as it is. */
  readonly attempt: number | null;
  readonly paymentStatus?: PaymentStatus;
  readonly declineReason?: string;
  readonly redirectUrl?: string;
  /** What a cancellation gives back: by the policy of purchase unless told. */
  readonly refund?: RefundRule;
  /** Why, in words for the history. */
  readonly reason: string;
  readonly actor: string;
  readonly cause: Cause;
}

/** What a message did: the booking after it, or null when there is no such saga. */
export type SagaResult = { readonly row: BookingRow; readonly applied: boolean; readonly now: Date } | null;

/**
 * Applies one message to a booking's saga in the caller's transaction: locks in the common order (inventory, booking, saga), asks
 * the table, carries the step out. A message that tells nothing new changes nothing.
 */
export async function applySagaMessage(tx: Tx, input: SagaInput): Promise<SagaResult> {
  const target = await tx.query<Pick<BookingRow, 'event_id' | 'resource_id'>>(
    'select event_id, resource_id from bookings where id = $1',
    [input.bookingId],
  );
  if (!target.rows[0]) return null;
  if (changesInventory(input.message)) await lockInventory(tx, [target.rows[0]]);
  const locked = await lockBooking(tx, input.bookingId);
  return locked && applyToLocked(tx, input, locked);
}

/** As above, for a caller that has locked the inventory and then the booking, as it stands in `locked`. */
export async function applyToLocked(tx: Tx, input: SagaInput, locked: ReadBooking): Promise<SagaResult> {
  const saga = await lockSaga(tx, input.bookingId);
  if (!saga) return null;

  const { now } = locked;
  const stale = input.attempt !== null && input.attempt !== saga.attempt && input.message !== 'captured';
  const { message, refund } = weigh(input, saga, locked.row, now);
  const decision = stale ? IGNORE : decide(saga.state, message);
  if (decision === IGNORE) return { row: locked.row, applied: false, now };
  const noted = await note(tx, locked.row, input);
  if (decision === NOTE) return { row: noted, applied: true, now };
  const prepared = refund === null ? saga : await recordRefund(tx, saga, newId('rfd'), refund);
  return { row: await carryOut(tx, noted, prepared, decision, input, now), applied: true, now };
}

/**
 * A cancellation of a booking whose money is taken, or about to be, depends on what its policy gives back: the table knows the two
 * cases as two messages. `refund` is the amount in minor units to be recorded before it is asked for.
 */
function weigh(
  { message, refund: rule = 'policy' }: Pick<SagaInput, 'message' | 'refund'>,
  saga: SagaRow,
  row: BookingRow,
  now: Date,
): { message: SagaMessage; refund: bigint | null } {
  const cancelsStanding = message === 'cancelled' && saga.state === 'CONFIRMED';
  const cancelsCaptured = message === 'captured' && saga.state === 'CAPTURING' && row.cancel_requested_at !== null;
  if (!cancelsStanding && !cancelsCaptured) return { message, refund: null };
  // A wish that waited for the capture counts from when it was made, by the rule that it was made under.
  const [asked, by] = cancelsCaptured ? [row.cancel_requested_at!, row.cancel_refund ?? 'policy'] : [now, rule];
  const price = { amount: row.price_amount, currency: row.price_currency };
  const back = by === 'full' ? price : quoteBookingRefund(row, price, asked).refundable;
  const due = back.amount > 0n;
  const weighed = cancelsStanding
    ? due
      ? 'cancelled'
      : 'cancelled_unrefundable'
    : due
      ? 'captured_refundable'
      : 'captured_unrefundable';
  return { message: weighed, refund: due ? back.amount : null };
}

/** Messages that may book or release claims; the others need no inventory lock, and a hot event should not be held up by them. */
function changesInventory(message: SagaMessage): boolean {
  return !['authorised', 'declined', 'requires_action', 'processing', 'unknown', 'refunded'].includes(message);
}

/** What the payment service said, or why somebody cancels, as the booking shows it. */
async function note(tx: Tx, row: BookingRow, input: SagaInput): Promise<BookingRow> {
  const changes: BookingChanges = {};
  if (input.paymentStatus !== undefined) changes.payment_status = input.paymentStatus;
  if (input.message === 'refunded') changes.refund_status = 'SUCCEEDED';
  if (input.message === 'cancelled') changes.cancel_reason = input.reason;
  if (input.declineReason !== undefined) changes.payment_decline_reason = input.declineReason;
  changes.payment_redirect_url = input.redirectUrl ?? null;
  return changeBooking(tx, row.id, changes);
}

/**
 * Carries one step of the table out. The order matters to a reader only: it is one transaction. The undo is on record before the
 * command is in the outbox, so whoever resumes knows what must be taken back.
 */
async function carryOut(
  tx: Tx,
  before: BookingRow,
  saga: SagaRow,
  step: SagaStep,
  input: SagaInput,
  now: Date,
): Promise<BookingRow> {
  let row = before;
  const awaiting = AWAITING[step.next] !== undefined;
  await moveSaga(tx, saga, step, awaiting ? resendAfterSeconds(0) : null);
  if (step.pin) row = await changeBooking(tx, row.id, { pinned_at: now });
  for (const to of step.booking ?? []) {
    row = await transition(tx, row, { to, reason: input.reason, actor: input.actor, cause: input.cause.id });
  }
  if (step.claims === 'book') {
    const booked = await bookClaims(tx, row.id);
    if (booked === 0) throw new Error(`booking ${row.id} is paid but claims nothing`);
  }
  if (step.claims === 'release') await releaseClaims(tx, [row.id]);
  if (step.outcome) await recordOutcome(tx, row.id, saga.attempt, step.outcome, input.declineReason ?? null);
  if (step.command) row = await sendCommand(tx, row, saga, step.command, input.reason, input.cause, now);
  if (step.announce) {
    row = await nextSequence(tx, row.id, 'booking');
    const { reason } = input;
    const more = step.announce === 'confirmed' ? { reason, tickets: await ticketTexts(tx, row, now) } : { reason };
    await appendToOutbox(tx, '/booking', [outcome(step.announce, row, input.cause, now, more)]);
  }
  return row;
}

/** Asks the payment service for the next step, or asks again: it recognises the attempt. */
export async function sendCommand(
  tx: Tx,
  before: BookingRow,
  saga: SagaRow,
  command: 'authorise' | 'capture' | 'void' | 'refund',
  reason: string,
  cause: Cause,
  now: Date,
): Promise<BookingRow> {
  const row = await nextSequence(tx, before.id, 'checkout');
  const money = { amount: amountToJson(row.price_amount), currency: row.price_currency };
  const attempt = saga.attempt;
  switch (command) {
    case 'authorise':
      await appendToOutbox(tx, '/booking', [
        checkoutCommand(
          'authorisation_requested',
          row,
          { attempt, user_id: row.user_id, reference: row.reference, ...money, payment_method: saga.payment_method },
          cause,
          now,
        ),
      ]);
      return row;
    case 'capture':
      await appendToOutbox(tx, '/booking', [
        checkoutCommand('capture_requested', row, { attempt, ...money }, cause, now),
      ]);
      return row;
    case 'void':
      await appendToOutbox(tx, '/booking', [checkoutCommand('void_requested', row, { attempt, reason }, cause, now)]);
      return row;
    case 'refund': {
      // Whoever recorded no other amount owes everything: the booking never stood.
      const recorded = saga.refund_id === null ? await recordRefund(tx, saga, newId('rfd'), row.price_amount) : saga;
      const [refundId, amount] = [recorded.refund_id!, recorded.refund_amount!];
      await appendToOutbox(tx, '/booking', [
        checkoutCommand(
          'refund_requested',
          row,
          { refund_id: refundId, amount: amountToJson(amount), currency: row.price_currency, reason },
          cause,
          now,
        ),
      ]);
      return changeBooking(tx, row.id, { refund_id: refundId, refund_amount: amount, refund_status: 'PENDING' });
    }
  }
}
