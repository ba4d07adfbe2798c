import { violatedConstraint, type Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { BookingRow } from '../bookings/booking-row.ts';
import { formatReference } from '../holds/booking-reference.ts';
import { newBooking } from '../holds/compose-hold.ts';
import { ANY_BASKET, grantHold, type GrantedHold, type HoldLimits } from '../holds/decide-holds.ts';
import { holdProblem, isTaken } from '../holds/hold-answer.ts';
import type { WaitRequest } from '../holds/hold-request.ts';
import type { BookableEvent, BookableResource, HoldSnapshot } from '../holds/hold-snapshot.ts';
import { readHoldSnapshot } from '../holds/read-hold-snapshot.ts';
import { AT_LIST_PRICES, serveLines } from '../holds/serve-lines.ts';
import type { HoldDeps } from '../holds/settle-hold-batch.ts';
import { toEntryJson } from './entry-row.ts';
import { readDueLines } from './read-due-lines.ts';
import { countWaits, insertEntry, readEntries } from './waitlist-store.ts';

export interface JoinDeps extends Pick<HoldDeps, 'pool' | 'layouts' | 'references'> {
  readonly limits: HoldLimits & { readonly waitsPerUser: number };
}

export interface JoinCommand {
  readonly caller: SignedInCaller;
  readonly scope: KeyScope;
  readonly request: WaitRequest;
  readonly minQuantity: number;
}

/**
 * Puts the caller at the end of a line, with a PENDING booking that holds nothing. Who may wait is decided by the rules of a hold: the
 * wish must be one that could be held, but for being taken now.
 * @throws Problem as a hold does, and `nothing_to_wait_for`, `never_available`, `already_waiting`, `too_many_waits`.
 */
export async function joinWaitlist(deps: JoinDeps, command: JoinCommand): Promise<OnceAnswered> {
  const [reference] = await deps.references.draw(deps.pool, 1);
  return answerOnce(deps.pool, command.scope, (tx) => join(tx, deps, command, reference!));
}

async function join(tx: Tx, deps: JoinDeps, command: JoinCommand, referenceNumber: number): Promise<StoredAnswer> {
  const { caller, request, scope } = command;
  const snapshot = await readHoldSnapshot(tx, deps.layouts, [
    { caller, key: scope.key, fingerprint: scope.fingerprint, request },
  ]);
  const wanted = withEverythingFree(request, snapshot, deps.limits);
  // Those who wait already come first: what is free and theirs is nothing that this wish could have now.
  serveLines(await readDueLines(tx, snapshot), snapshot, deps.limits);
  refuseWhatIsFree(command, snapshot, deps.limits);
  if ((await countWaits(tx, caller.userId)) >= deps.limits.waitsPerUser) {
    throw new Problem('too_many_waits', { detail: `at most ${deps.limits.waitsPerUser} at a time` });
  }

  const id = newId('wtl');
  const { now } = snapshot;
  const identity = {
    id: wanted.bookingId,
    reference: formatReference(referenceNumber, now),
    userId: caller.userId,
    email: caller.email ?? '',
    name: caller.name ?? '',
    waitlistEntryId: id,
  };
  // The price is what the wish would cost now; an offer fixes it anew. Which places it will be nobody knows.
  const booking: BookingRow = { ...newBooking(identity, wanted, now), status: 'PENDING', seats: [] };
  try {
    await insertEntry(tx, { id, request, minQuantity: command.minQuantity, booking, cause: caller.requestId });
  } catch (error) {
    if (violatedConstraint(error)?.startsWith('waitlist_entries_one_wait_')) throw new Problem('already_waiting');
    throw error;
  }
  const { rows } = await readEntries(tx, { id, userId: null, limit: 1 });
  return {
    status: 201,
    headers: { location: `/v1/waitlist/${id}` },
    body: JSON.stringify(toEntryJson(rows[0]!, now)),
  };
}

/** What the wish would get if nobody had anything. @throws Problem when not even that. */
function withEverythingFree(request: WaitRequest, snapshot: HoldSnapshot, limits: HoldLimits): GrantedHold {
  const free = {
    now: snapshot.now,
    events: new Map([...snapshot.events].map(([id, event]) => [id, emptied(event)])),
    resources: new Map(
      [...snapshot.resources].map(([id, resource]): [typeof id, BookableResource] => [id, { ...resource, claims: [] }]),
    ),
  };
  const result = grantHold(request, free, limits, ANY_BASKET, AT_LIST_PRICES);
  if (!('code' in result)) return result;
  if (result.code === 'quote_needed') throw new Problem('no_waitlist');
  throw result.code === 'too_few_places'
    ? new Problem('never_available', { detail: `at most ${result.available} of them exist` })
    : holdProblem(result);
}

function emptied(event: BookableEvent): BookableEvent {
  const { inventory } = event;
  return {
    ...event,
    inventory:
      inventory.kind === 'seats'
        ? { ...inventory, taken: new Set() }
        : { ...inventory, claimed: 0, placesGiven: 0, freePlaces: [] },
  };
}

/** @throws Problem `nothing_to_wait_for` when the wish, or the least of it, can be held now. */
function refuseWhatIsFree(command: JoinCommand, snapshot: HoldSnapshot, limits: HoldLimits): void {
  const { request, minQuantity } = command;
  const most = request.kind === 'quantity' ? request.quantity : 1;
  for (let quantity = most; quantity >= minQuantity; quantity--) {
    const wish = request.kind === 'quantity' ? { ...request, quantity } : request;
    const result = grantHold(wish, snapshot, limits, ANY_BASKET, AT_LIST_PRICES);
    if (!('code' in result)) {
      throw new Problem('nothing_to_wait_for', {
        ...(request.kind === 'quantity' ? { detail: `${quantity} can be held now` } : {}),
      });
    }
    if (!isTaken(result)) throw holdProblem(result);
  }
}
