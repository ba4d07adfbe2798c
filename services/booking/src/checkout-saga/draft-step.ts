import { newId, type Id } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { BookingDraft } from '../bookings/booking-draft.ts';
import { checkoutCommand, outcome, type Cause } from '../events.ts';
import { signTickets } from '../tickets/issue-tickets.ts';
import type { TicketKey } from '../tickets/ticket-code.ts';
import {
  AWAITING,
  STEP_DEADLINE_SECONDS,
  resendAfterSeconds,
  type SagaCommand,
  type SagaState,
  type SagaStep,
} from './checkout-saga.ts';
import type { SagaRow } from './saga-store.ts';

/** Why a step is taken, and what it needs beside the booking and its saga. */
export interface StepContext {
  readonly now: Date;
  readonly reason: string;
  readonly actor: string;
  readonly cause: Cause;
  readonly declineReason: string | null;
  /** Signs the tickets of a step that confirms. */
  readonly ticketKey: TicketKey | null;
}

/**
 * Drafts one step of the table. The order matters to a reader only: all of it is one transaction. The undo is on record before the
 * command is in the outbox, so whoever resumes knows what must be taken back.
 */
export function draftStep(draft: BookingDraft, before: SagaRow, step: SagaStep, context: StepContext): void {
  const { now, reason, actor, cause } = context;
  if (step.pin) draft.change({ pinned_at: now });
  for (const to of step.booking ?? []) draft.go({ to, reason, actor, cause: cause.id });
  if (step.claims === 'book' || step.claims === 'rebook') draft.claims = 'book';
  if (step.claims === 'release') draft.claims = 'release';
  if (step.outcome) {
    draft.outcome = { attempt: before.attempt, outcome: step.outcome, decline_reason: context.declineReason };
  }
  const after = moved(before, step, context);
  draft.saga = { before, after };
  if (step.command) draftCommand(draft, after, step.command, context);
  if (step.announce === 'confirmed') {
    draft.tickets = signTickets(draft.row, context.ticketKey!);
    const tickets = draft.tickets.map(({ place, code }) => ({ place, code }));
    draft.emit('booking', (row) => outcome('confirmed', row, cause, now, { tickets }));
  } else if (step.announce) {
    const name = step.announce;
    draft.emit('booking', (row) => outcome(name, row, cause, now, name === 'expired' ? {} : { reason }));
  }
}

/** The saga after a step: the answer that it waits for is asked for again at `next_action_at`, and overdue from `deadline_at`. */
function moved(before: SagaRow, step: SagaStep, { now, reason }: StepContext): SagaRow {
  const awaiting = AWAITING[step.next] !== undefined;
  const stuck = step.next === 'STUCK';
  // What is taken back is late when all of it is late: a void that becomes a refund does not get its time again.
  const goesOn = COMPENSATING.includes(before.state) && COMPENSATING.includes(step.next) && before.deadline_at !== null;
  return {
    ...before,
    state: step.next,
    undo: step.undo === undefined ? before.undo : step.undo,
    tries: 0,
    next_action_at: awaiting ? later(now, resendAfterSeconds(0)) : null,
    deadline_at: !awaiting ? null : goesOn ? before.deadline_at : later(now, STEP_DEADLINE_SECONDS),
    last_error: null,
    stuck_reason: stuck ? (before.stuck_reason ?? reason) : null,
    stuck_in: stuck ? (before.stuck_in ?? before.state) : null,
  };
}

const COMPENSATING: readonly SagaState[] = ['LAPSING', 'VOIDING', 'REFUNDING'];

export function later(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000);
}

/** Asks the payment service for the next step, or asks again: it recognises the attempt. */
export function draftCommand(
  draft: BookingDraft,
  saga: SagaRow,
  command: 'authorise' | SagaCommand,
  { now, reason, cause }: Pick<StepContext, 'now' | 'reason' | 'cause'>,
): void {
  const { price_amount: price, price_currency: currency, user_id, reference } = draft.row;
  const money = { amount: amountToJson(price), currency };
  const { attempt, payment_method } = saga;
  const send = (name: Parameters<typeof checkoutCommand>[0], data: Readonly<Record<string, unknown>>) =>
    draft.emit('checkout', (row) => checkoutCommand(name, row, data, cause, now));
  switch (command) {
    case 'authorise':
      return send('authorisation_requested', { attempt, user_id, reference, ...money, payment_method });
    case 'capture':
      return send('capture_requested', { attempt, ...money });
    case 'lapse':
      return send('void_requested', { attempt, reason, unless_paid: true });
    case 'void':
      return send('void_requested', { attempt, reason });
    case 'refund': {
      // Whoever recorded no other amount owes everything: the booking never stood.
      const recorded = saga.refund_id === null ? withRefund(saga, price) : saga;
      draft.saga = { before: draft.saga?.before ?? saga, after: recorded };
      const { refund_id: refundId, refund_amount: amount } = recorded;
      send('refund_requested', { refund_id: refundId, amount: amountToJson(amount!), currency, reason });
      draft.change({ refund_id: refundId!, refund_amount: amount!, refund_status: 'PENDING' });
    }
  }
}

/** The saga with a refund on record, under an id of its own: it is the provider's key. */
export function withRefund(saga: SagaRow, amount: bigint): SagaRow {
  const refundId: Id<'rfd'> = newId('rfd');
  return { ...saga, refund_id: refundId, refund_amount: amount };
}
