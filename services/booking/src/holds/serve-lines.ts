import type { EventId, ResourceId } from '@holdfast/shared/ids';
import type { HoldPricing } from '../quotes/quote-rules.ts';
import { ANY_BASKET, grantHold, type GrantedHold, type HoldLimits } from './decide-holds.ts';
import type { BookableEvent, BookableResource, HoldSnapshot, Waiter, WaitingLine } from './hold-snapshot.ts';

/** Places for one who waited; the hold is that of the waiter's own booking. */
export interface Offer {
  readonly waiter: Waiter;
  readonly hold: GrantedHold;
}

export interface ServedLines {
  readonly offers: readonly Offer[];
  /** Lines of which nobody who still waits fits what is left. */
  readonly eventIds: readonly EventId[];
  readonly resourceIds: readonly ResourceId[];
}

/**
 * Offers what is free to those who wait, before anybody else is asked: in the order of the line, each who fits gets all of the wish,
 * or as much of it as there is and the wish allows. Who does not fit keeps the place in line and is passed over, so nothing stands
 * empty for a group that is too large. Uses the snapshot's inventory up. Pure.
 *
 * When more may wait than were read, what is left of that inventory is kept for them and nobody else gets it in this batch.
 */
export function serveLines(lines: readonly WaitingLine[], snapshot: HoldSnapshot, limits: HoldLimits): ServedLines {
  const offers: Offer[] = [];
  const eventIds: EventId[] = [];
  const resourceIds: ResourceId[] = [];
  for (const line of lines) {
    const { offers: made, complete } = serveLine(line, snapshot, limits);
    offers.push(...made);
    if (!complete) keepTheRest(line.of);
    else if (isEvent(line.of)) eventIds.push(line.of.id);
    else resourceIds.push(line.of.id);
  }
  return { offers, eventIds, resourceIds };
}

function serveLine(
  line: WaitingLine,
  snapshot: HoldSnapshot,
  limits: HoldLimits,
): { offers: Offer[]; complete: boolean } {
  const offers: Offer[] = [];
  // Inventory only shrinks while a line is served: a wish that did not fit once does not fit later.
  const unfit = new Set<string>();
  for (const waiter of line.waiters) {
    if (unfit.has(waiter.wish)) continue;
    const hold = bestFor(waiter, snapshot, limits);
    if (!hold) {
      unfit.add(waiter.wish);
      continue;
    }
    offers.push({ waiter, hold: { ...hold, bookingId: waiter.booking.id } });
    // Whoever stands behind it with the same wish comes before all later ones that were read.
    if (waiter.lastRead) return { offers, complete: false };
  }
  return { offers, complete: true };
}

function bestFor(waiter: Waiter, snapshot: HoldSnapshot, limits: HoldLimits): GrantedHold | null {
  const { request } = waiter;
  if (request.kind === 'slot') return granted(request, snapshot, limits);
  for (let quantity = request.quantity; quantity >= waiter.minQuantity; quantity--) {
    const hold = granted({ ...request, quantity }, snapshot, limits);
    if (hold) return hold;
  }
  return null;
}

/** Nobody is asked for a price inside a batch. An event that is not sold at its list prices has no waitlist. */
export const AT_LIST_PRICES: HoldPricing = { kind: 'list' };

function granted(request: Waiter['request'], snapshot: HoldSnapshot, limits: HoldLimits): GrantedHold | null {
  const result = grantHold(request, snapshot, limits, ANY_BASKET, AT_LIST_PRICES);
  return 'code' in result ? null : result;
}

function keepTheRest(of: BookableEvent | BookableResource): void {
  if (!isEvent(of)) return;
  if (of.inventory.kind === 'pool') of.inventory.claimed = of.inventory.capacity;
  else for (const seat of of.inventory.layout.seats) of.inventory.taken.add(seat.label);
}

function isEvent(of: BookableEvent | BookableResource): of is BookableEvent {
  return 'inventory' in of;
}
