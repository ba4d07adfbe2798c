import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  upgradeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { MAX_PAYMENT_ATTEMPTS, STEP_DEADLINE_SECONDS, resendAfterSeconds } from '../checkout-saga/checkout-saga.ts';
import { draftCommand, later } from '../checkout-saga/draft-step.ts';
import { beginSaga } from '../checkout-saga/saga-store.ts';
import { outcome } from '../events.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { currentTicketKey } from '../tickets/current-ticket-key.ts';
import { signTickets } from '../tickets/issue-tickets.ts';
import { expiryWithPayment, type HoldTimes } from './booking.ts';
import { BookingDraft } from './booking-draft.ts';
import { auditForCustomer } from './audit-for-customer.ts';
import { ownerFor } from './read-booking.ts';
import { toBookingJson, type BookingRow } from './booking-row.ts';
import { lockBooking, readBooking } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';
import { readAttempt } from './payment-attempt.ts';
import { writeDrafts } from './write-drafts.ts';

export interface PayDeps {
  readonly pool: Pool;
  readonly watch: BookingWatch;
  readonly times: HoldTimes;
  /** Nudges the relay after a commit. */
  readonly onCommit: () => void;
  /** How long after the call came the answer may wait for the saga; api.md: up to 2.5 s. */
  readonly waitMs?: number;
}

export interface PayCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
  readonly scope: KeyScope;
  readonly paymentMethod: string | null;
  /** Equivalent places will do, should the money come after the hold ran out and others have these. */
  readonly allowEquivalent: boolean;
  /** How long the caller still waits, in ms; the answer comes a little before. */
  readonly waitMs?: number;
}

export interface PayAnswer {
  readonly answer: StoredAnswer;
  readonly replayed: boolean;
}

type Started =
  | { readonly kind: 'stored'; readonly answer: StoredAnswer }
  /** An attempt of this key runs; its outcome becomes the answer. */
  | { readonly kind: 'running'; readonly attempt: number; readonly replayed: boolean }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer };

const WAIT_MS = 2_500;
/** When a waiting call looks by itself, should a hint get lost: soon at first, and less often the longer it takes. */
const LOOK_MS = [250, 500, 1_000];

/**
 * Pays a held booking. One transaction starts the attempt: state, hold extension, saga with its undo, command in the outbox and the
 * stored 202 of this key. Then the call waits for the saga, without a transaction, and upgrades the stored answer once to the
 * final one. @throws Problem for everything that starts nothing; such a call may be repeated with its key.
 */
export async function payBooking(deps: PayDeps, command: PayCommand): Promise<PayAnswer> {
  const until = performance.now() + Math.min(deps.waitMs ?? WAIT_MS, command.waitMs ?? Infinity);
  const started = await withTransaction(deps.pool, (tx) => start(tx, deps, command));
  failpoint('booking.pay.after_commit');
  deps.onCommit();
  switch (started.kind) {
    case 'stored':
      return { answer: started.answer, replayed: true };
    case 'answered':
      deps.watch.changed(command.bookingId);
      return { answer: started.answer, replayed: false };
    case 'running':
      return { answer: await awaitOutcome(deps, command, started.attempt, until), replayed: started.replayed };
  }
}

async function start(tx: Tx, deps: PayDeps, command: PayCommand): Promise<Started> {
  // 1. A repeated call gets what the first one got, or joins it.
  await lockKey(tx, command.scope);
  const stored = await findAnswer(tx, command.scope);
  if (stored?.final) return { kind: 'stored', answer: stored.answer };
  if (stored) return { kind: 'running', attempt: (stored.context as { attempt: number }).attempt, replayed: true };

  // 2. The booking, under its lock; a free one goes straight to CONFIRMED and so needs the inventory's lock before.
  const found = await readBooking(tx, { id: command.bookingId }, ownerFor(command.caller));
  if (!found) throw new Problem('not_found');
  if (found.row.price_amount === 0n) await lockInventory(tx, [found.row]);
  const { row, now } = (await lockBooking(tx, command.bookingId))!;
  refuseUnpayable(row, now);

  // 3. An attempt under way answers for itself; nothing new is started, so the key stays free.
  if (row.status === 'PAYMENT_INITIATED') return { kind: 'answered', answer: runningAnswer(row, now) };

  if (row.price_amount === 0n) return { kind: 'answered', answer: await confirmFree(tx, command, row, now) };
  if (command.paymentMethod === null) {
    throw new Problem('validation_failed', {
      errors: [{ pointer: '/payment_method', code: 'required', message: 'is required for a booking that costs money' }],
    });
  }
  const attempt = await startAttempt(tx, deps, command, row, command.paymentMethod, now);
  failpoint('booking.pay.before_commit');
  return { kind: 'running', attempt, replayed: false };
}

function refuseUnpayable(row: BookingRow, now: Date): void {
  switch (row.status) {
    case 'HELD':
      // Due but not yet swept: it is over all the same.
      if (row.hold_expires_at! <= now) throw new Problem('hold_expired');
      return;
    case 'PAYMENT_INITIATED':
      return;
    case 'EXPIRED':
      throw new Problem('hold_expired');
    case 'PAID':
    case 'CONFIRMED':
    case 'CHECKED_IN':
    case 'COMPLETED':
      throw new Problem('already_paid');
    default:
      throw new Problem('not_payable', { detail: `the booking is ${row.status}` });
  }
}

async function startAttempt(
  tx: Tx,
  deps: PayDeps,
  command: PayCommand,
  held: BookingRow,
  method: string,
  now: Date,
): Promise<number> {
  const attempt = held.payment_attempt + 1;
  const paymentId = held.payment_id ?? newId('pay');
  const cause = { id: command.caller.requestId, traceparent: command.caller.traceparent };
  const reason = `payment attempt ${attempt}`;
  const expiresAt = expiryWithPayment(
    { createdAt: held.created_at, holdExpiresAt: held.hold_expires_at!, attempt },
    deps.times,
  );
  const saga = await beginSaga(tx, {
    bookingId: held.id,
    paymentId,
    attempt,
    paymentMethod: method,
    allowEquivalent: command.allowEquivalent,
    resendSeconds: resendAfterSeconds(0),
    // From then on the expiry of the hold decides; one that does not come is for a person to look at.
    deadlineAt: later(expiresAt, STEP_DEADLINE_SECONDS),
  });
  const draft = new BookingDraft(held, now);
  draft.go({ to: 'PAYMENT_INITIATED', reason, actor: command.caller.userId, cause: cause.id });
  draft.change({
    payment_id: paymentId,
    payment_attempt: attempt,
    payment_status: 'PENDING',
    payment_decline_reason: null,
    payment_redirect_url: null,
    hold_expires_at: expiresAt,
  });
  draftCommand(draft, saga, 'authorise', { now, reason, cause });
  await writeDrafts(tx, [draft], now);
  await auditForCustomer(tx, command.caller, held, draft.row, now);
  await storeAnswer(tx, command.scope, runningAnswer(draft.row, now), { context: { attempt } });
  return attempt;
}

/** A booking that costs nothing needs no payment: HELD, PAID, CONFIRMED in one transaction. */
async function confirmFree(tx: Tx, command: PayCommand, held: BookingRow, now: Date): Promise<StoredAnswer> {
  const cause = { id: command.caller.requestId, traceparent: command.caller.traceparent };
  const step = { reason: 'nothing to pay', actor: command.caller.userId, cause: cause.id };
  const draft = new BookingDraft(held, now);
  draft.go({ to: 'PAID', ...step });
  draft.go({ to: 'CONFIRMED', ...step });
  draft.claims = 'book';
  draft.tickets = signTickets(held, await currentTicketKey(tx));
  const tickets = draft.tickets.map(({ place, code }) => ({ place, code }));
  draft.emit('booking', (row) => outcome('confirmed', row, cause, now, { tickets }));
  await writeDrafts(tx, [draft], now);
  await auditForCustomer(tx, command.caller, held, draft.row, now);
  const answer = bookingAnswer(200, draft.row, now);
  await storeAnswer(tx, command.scope, answer);
  return answer;
}

/** Waits for the attempt's outcome; what is not known in time is answered 202, and the key is upgraded when it is asked again. */
async function awaitOutcome(deps: PayDeps, command: PayCommand, attempt: number, until: number): Promise<StoredAnswer> {
  for (let look = 0; ; look += 1) {
    const lookMs = LOOK_MS[Math.min(look, LOOK_MS.length - 1)]!;
    const waiting = deps.watch.next(command.bookingId, Math.min(lookMs, Math.max(1, until - performance.now())));
    const { row, now, result } = await readAttempt(deps.pool, command.bookingId, attempt);
    const final = finalAnswer(command, row, now, attempt, result);
    if (final) return upgradeAnswer(deps.pool, command.scope, final);
    // Only the customer can go on, so there is nothing to wait for.
    if (row.payment_status === 'REQUIRES_ACTION' || performance.now() >= until) return runningAnswer(row, now);
    await waiting;
  }
}

function finalAnswer(
  command: PayCommand,
  row: BookingRow,
  now: Date,
  attempt: number,
  result: { outcome: string | null; declineReason: string | null },
): StoredAnswer | null {
  switch (result.outcome) {
    case 'CONFIRMED':
      return bookingAnswer(200, row, now);
    case 'DECLINED':
    case 'FAILED': {
      const reason = result.declineReason ?? 'declined';
      const left = result.outcome === 'FAILED' ? 0 : MAX_PAYMENT_ATTEMPTS - attempt;
      return problemAnswer(
        new Problem('payment_declined', {
          detail: `the provider declined: ${reason}`,
          extensions: { decline_reason: reason, attempts_left: left, booking: toBookingJson(row, now) },
        }),
        command,
      );
    }
    case 'ABANDONED':
      return problemAnswer(
        row.status === 'EXPIRED'
          ? new Problem('hold_expired')
          : new Problem('not_payable', { detail: `the booking is ${row.status}` }),
        command,
      );
    default:
      return null;
  }
}

function bookingAnswer(status: number, row: BookingRow, now: Date): StoredAnswer {
  return { status, headers: { etag: `"${row.version}"` }, body: JSON.stringify(toBookingJson(row, now)) };
}

function runningAnswer(row: BookingRow, now: Date): StoredAnswer {
  const answer = bookingAnswer(202, row, now);
  return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } };
}

function problemAnswer(problem: Problem, command: PayCommand): StoredAnswer {
  return {
    status: problem.status,
    headers: problem.headers,
    body: JSON.stringify(problem.toBody(command.caller.requestId)),
  };
}
