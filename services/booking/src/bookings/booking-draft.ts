import type { BookingStatus } from '@holdfast/shared/contracts/bookings';
import type { OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import type { AttemptOutcome, SagaRow } from '../checkout-saga/saga-store.ts';
import type { NewTicket } from '../tickets/issue-tickets.ts';
import { checkTransition } from './booking.ts';
import type { BookingRow } from './booking-row.ts';
import type { BookingChanges, Transition } from './booking-store.ts';

/** One transition, as its history row has it. */
export interface Hop extends Transition {
  readonly from: BookingStatus;
  /** The booking's version after it. */
  readonly version: number;
}

/** Fields that a draft may change beside the state; write-drafts.ts writes them. */
export type DraftChanges = Omit<BookingChanges, 'extended_at' | 'checked_in_at' | 'attended'> & { seats?: string[] };

/**
 * What a transaction does to one locked booking, gathered in memory and written at once (write-drafts.ts): a step of the checkout
 * changes the same row for half a dozen reasons, and each UPDATE of it would be a round trip and a new version of a wide row.
 */
export class BookingDraft {
  readonly before: BookingRow;
  /** What happens to the live claims: sold, or given back. */
  claims: 'book' | 'release' | null = null;
  /** The booking's saga as it was and as it will be. */
  saga: { readonly before: SagaRow; readonly after: SagaRow } | null = null;
  /** What became of a payment attempt, where that is known now. */
  outcome: AttemptOutcome | null = null;
  tickets: readonly NewTicket[] = [];
  readonly #now: Date;
  readonly #hops: Hop[] = [];
  readonly #events: OutgoingEvent[] = [];
  #row: BookingRow;

  /** `now` is business time of the transaction: `updated_at` of whatever changes. */
  constructor(before: BookingRow, now: Date) {
    this.before = before;
    this.#row = before;
    this.#now = now;
  }

  /** The booking as it will be. */
  get row(): BookingRow {
    return this.#row;
  }

  get hops(): readonly Hop[] {
    return this.#hops;
  }

  get events(): readonly OutgoingEvent[] {
    return this.#events;
  }

  get isChanged(): boolean {
    return this.#row !== this.before;
  }

  /**
   * Takes the booking to another state.
   * @throws Error when the state machine forbids it: callers decide before they come here, so that is a bug.
   */
  go(step: Transition): void {
    const { status, pinned_at: pinnedAt, price_amount: price } = this.#row;
    const verdict = checkTransition(status, step.to, { pinned: pinnedAt !== null, price });
    if (!verdict.ok) throw new Error(`booking ${this.before.id}: ${status} to ${step.to} refused: ${verdict.refusal}`);
    const version = this.#row.version + 1;
    this.#row = { ...this.#row, status: step.to, version, updated_at: this.#now };
    this.#hops.push({ ...step, from: status, version });
  }

  /** Changes fields beside the state. Absent ones stay as they are; where nothing differs, nothing is changed. */
  change(changes: DraftChanges): void {
    const names = Object.keys(changes) as (keyof DraftChanges)[];
    if (names.every((name) => changes[name] === undefined || changes[name] === this.#row[name])) return;
    const given = Object.fromEntries(
      names.flatMap((name) => (changes[name] === undefined ? [] : [[name, changes[name]]])),
    );
    this.#row = { ...this.#row, ...given, version: this.#row.version + 1, updated_at: this.#now };
  }

  /** Sends an event with the next sequence of its family; `compose` gets the booking with that sequence. */
  emit(family: 'hold' | 'booking' | 'checkout', compose: (row: BookingRow) => OutgoingEvent): void {
    const column = `${family}_seq` as const;
    this.#row = { ...this.#row, [column]: this.#row[column] + 1 };
    this.#events.push(compose(this.#row));
  }
}
