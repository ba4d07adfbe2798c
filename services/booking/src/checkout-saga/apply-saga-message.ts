import { byIds } from '@holdfast/shared/db/by-ids';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { BookingDraft } from '../bookings/booking-draft.ts';
import type { BookingRow } from '../bookings/booking-row.ts';
import { lockBookings, type ReadBooking } from '../bookings/booking-store.ts';
import { writeDrafts } from '../bookings/write-drafts.ts';
import { retakePlaces } from '../holds/retake-places.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { currentTicketKey } from '../tickets/current-ticket-key.ts';
import { IGNORE, NOTE, decide, type SagaMessage } from './checkout-saga.ts';
import { draftNote } from './draft-note.ts';
import { draftStep } from './draft-step.ts';
import type { SagaInput } from './saga-input.ts';
import { readSagas, type SagaRow } from './saga-store.ts';
import { lateMessage, weighAmount, weighCancellation, weighGivingUp } from './weigh-message.ts';

/** What a message did: the booking after it. */
export interface SagaResult {
  readonly row: BookingRow;
  readonly applied: boolean;
  readonly now: Date;
}

/** As `applySagaMessages`, for one; null when there is no such saga. */
export async function applySagaMessage(
  tx: Tx,
  input: SagaInput,
  halls: HallLayouts | null = null,
): Promise<SagaResult | null> {
  return (await applySagaMessages(tx, [input], halls)).get(input.bookingId) ?? null;
}

/**
 * Applies messages to the sagas of as many bookings, one each, in the caller's transaction: locks in the common order (inventory,
 * bookings), asks the table, and writes all that comes of it at once. A message that tells nothing new changes nothing. Bookings
 * without a saga are missing from the answer. `halls` are needed where places may be taken again: for answers of the payment service.
 */
export async function applySagaMessages(
  tx: Tx,
  inputs: readonly SagaInput[],
  halls: HallLayouts | null = null,
): Promise<Map<BookingId, SagaResult>> {
  const { rows: targets } = await tx.query<Target>(
    byIds(
      'saga-targets',
      inputs.map(({ bookingId }) => bookingId),
      (these) => `select id, event_id, resource_id, user_id, status from bookings where id ${these}`,
    ),
  );
  const byId = new Map(targets.map((target) => [target.id, target]));
  const inventory = inputs.flatMap(({ bookingId, message }) => {
    const target = byId.get(bookingId);
    return target && (changesInventory(message) || comesLate(target)) ? [target] : [];
  });
  const holders = inventory.filter(comesLate).map(({ user_id }) => user_id);
  if (inventory.length > 0) await lockInventory(tx, inventory, holders);
  const locked = await lockBookings(tx, [...byId.keys()]);
  return applyToLocked(tx, inputs, locked, { halls, withInventory: new Set(inventory.map(({ id }) => id)) });
}

type Target = Pick<BookingRow, 'id' | 'event_id' | 'resource_id' | 'user_id' | 'status'>;

/** Messages that may book or release claims; the others need no inventory lock, and a hot event should not be held up by them. */
function changesInventory(message: SagaMessage): boolean {
  return ![
    'authorised',
    'declined',
    'requires_action',
    'processing',
    'unknown',
    'refunded',
    'refund_failed',
    'amount_differs',
  ].includes(message);
}

/** Whatever comes to an expired booking may take its places again. */
function comesLate({ status }: Pick<BookingRow, 'status'>): boolean {
  return status === 'EXPIRED';
}

interface LockedInventory {
  readonly halls: HallLayouts | null;
  /** Bookings whose inventory, and holder where they have expired, the caller has locked; null: that of all of them. */
  readonly withInventory: ReadonlySet<BookingId> | null;
}

/** As above, for a caller that has locked the inventory and then the bookings, as they stand in `locked`. */
export async function applyToLocked(
  tx: Tx,
  inputs: readonly SagaInput[],
  locked: ReadonlyMap<BookingId, ReadBooking>,
  inventory: LockedInventory = { halls: null, withInventory: null },
): Promise<Map<BookingId, SagaResult>> {
  const { drafts, results } = await draftSagaMessages(tx, inputs, locked, inventory);
  const now = [...locked.values()][0]?.now;
  if (now) await writeDrafts(tx, drafts, now);
  return results;
}

/** As above, but leaves the writing to the caller, who has more to write. */
export async function draftSagaMessages(
  tx: Tx,
  inputs: readonly SagaInput[],
  locked: ReadonlyMap<BookingId, ReadBooking>,
  inventory: LockedInventory = { halls: null, withInventory: null },
): Promise<{ drafts: BookingDraft[]; results: Map<BookingId, SagaResult> }> {
  const sagas = await readSagas(tx, [...locked.keys()]);
  const ticketKey = lazily(() => currentTicketKey(tx));
  const drafts: BookingDraft[] = [];
  const results = new Map<BookingId, SagaResult>();
  for (const input of inputs) {
    const booking = locked.get(input.bookingId);
    const saga = sagas.get(input.bookingId);
    if (!booking || !saga) continue;
    const draft = await draftMessage(tx, input, booking, saga, inventory, ticketKey);
    if (draft) drafts.push(draft);
    results.set(input.bookingId, { row: draft?.row ?? booking.row, applied: draft !== null, now: booking.now });
  }
  return { drafts, results };
}

/** Null when the message tells nothing new. */
async function draftMessage(
  tx: Tx,
  input: SagaInput,
  { row, now }: ReadBooking,
  saga: SagaRow,
  inventory: LockedInventory,
  ticketKey: () => ReturnType<typeof currentTicketKey>,
): Promise<BookingDraft | null> {
  const stale = input.attempt !== null && input.attempt !== saga.attempt && input.message !== 'captured';
  // Not the refund that the saga waits for: an operator's leaves the booking as it is (docs/product.md, refunds), and one that has
  // failed was asked for anew under another id.
  const ofAnother = input.refundId !== undefined && input.refundId !== saga.refund_id;
  if (stale || ofAnother) return null;
  const cancelling = weighCancellation(input, saga, row, now);
  let message = weighGivingUp(weighAmount(cancelling.message, input.money, row), row);
  const draft = new BookingDraft(row, now);
  let reason = message === 'amount_differs' ? differenceOf(input, row) : input.reason;

  const late = lateMessage(message, saga, row);
  if (late !== null) {
    // Expired between the look without a lock and the lock: the command that the expiry has sent brings this answer once more.
    if (inventory.withInventory?.has(row.id) === false || inventory.halls === null) return null;
    const places = await retakePlaces(tx, inventory.halls, row, saga.allow_equivalent, now);
    if (places !== null) {
      message = late;
      reason = `${reason} after the hold had run out; ${places.equivalent ? `other places: ${places.seats.join(', ')}` : 'the same places were free'}`;
      draft.change({ seats: places.seats });
    } else {
      reason = `${reason} after the hold had run out; its places are taken`;
    }
  }

  const decision = decide(saga.state, message);
  if (decision === IGNORE) return null;
  draftNote(draft, saga, input, now);
  if (decision === NOTE) return draft;
  const prepared = cancelling.refund === null ? saga : cancelling.refund(saga);
  draftStep(draft, prepared, decision, {
    now,
    reason,
    actor: input.actor,
    cause: input.cause,
    declineReason: input.declineReason ?? null,
    ticketKey: decision.announce === 'confirmed' ? await ticketKey() : null,
  });
  return draft;
}

function differenceOf({ message, money }: SagaInput, row: BookingRow): string {
  const price = `${row.price_amount} ${row.price_currency}`;
  return `the payment service says ${message} of ${money?.amount} ${money?.currency}, the price is ${price}`;
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
