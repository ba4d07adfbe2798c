import type { Money } from '@holdfast/shared/money';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { bestAdjacentSeats } from '../inventory/best-adjacent.ts';
import { checkSlot, type SlotRefusal } from '../inventory/slot-grid.ts';
import { withPlatformFee, type PlatformFee } from '../pricing/platform-fee-rules.ts';
import type { PriceLine } from '../pricing/price-line.ts';
import type { HoldPricing, Quote } from '../quotes/quote-rules.ts';
import { holderOf, type HoldCommand } from './hold-command.ts';
import type { HoldRequest } from './hold-request.ts';
import type { BookableEvent, BookableResource, HoldSnapshot, PoolInventory, SeatInventory } from './hold-snapshot.ts';
import { priceEvent, quotedSeats, type NeedsQuote, type PriceTerms } from './price-event.ts';

/** Why a hold is refused. Nothing was written; the key may be used again, except for `key_reused`. */
export type HoldRefusal =
  | { readonly code: 'not_found'; readonly what: 'event' | 'resource' }
  | { readonly code: 'archived' }
  | { readonly code: 'key_reused' }
  | { readonly code: 'too_many_holds'; readonly limit: number }
  | { readonly code: 'too_many_places'; readonly limit: number; readonly field: 'seats' | 'quantity' }
  | { readonly code: 'duplicate_seat' | 'unknown_seat'; readonly indexes: readonly number[] }
  | { readonly code: 'unknown_category'; readonly known: readonly string[] }
  | { readonly code: 'event_cancelled' }
  | { readonly code: 'event_over' }
  | { readonly code: 'sales_not_open'; readonly opensAt: Date }
  | { readonly code: 'sales_closed' }
  | { readonly code: 'inventory_mismatch' }
  | { readonly code: SlotRefusal }
  | { readonly code: 'seats_taken'; readonly seats: readonly string[] }
  | { readonly code: 'too_few_places'; readonly requested: number; readonly available: number }
  | { readonly code: 'slots_taken'; readonly slots: readonly { startsAt: Date; endsAt: Date }[] }
  /** Everything but the price is decided: it would be granted with a quote that fits. Never shown to a client. */
  | NeedsQuote
  | { readonly code: 'no_longer_offered'; readonly reason: string }
  | { readonly code: 'quote_unavailable' };

/** What a winner gets. */
export interface GrantedHold {
  readonly bookingId: BookingId;
  readonly place:
    | { readonly kind: 'seats'; readonly event: BookableEvent; readonly seats: readonly string[] }
    | {
        readonly kind: 'pool';
        readonly event: BookableEvent;
        readonly quantity: number;
        readonly numbers: readonly number[];
        readonly fromFree: readonly number[];
      }
    | { readonly kind: 'slots'; readonly resource: BookableResource; readonly startsAt: Date; readonly endsAt: Date };
  readonly lines: readonly PriceLine[];
  readonly price: Money;
  /** The quote behind the price; null for list prices. */
  readonly quote: Quote | null;
}

export type HoldDecision =
  | { readonly kind: 'granted'; readonly hold: GrantedHold }
  | { readonly kind: 'refused'; readonly refusal: HoldRefusal }
  /** The key was used before; its stored answer is given again. */
  | { readonly kind: 'stored'; readonly key: string }
  /** An earlier command of this very batch has the same key and was granted. */
  | { readonly kind: 'same_as'; readonly index: number };

/** What the installation sets for every hold. */
export interface HoldLimits {
  readonly holdsPerUser: number;
  readonly placesPerBooking: number;
  readonly fee: PlatformFee;
}

/**
 * Decides the commands of one batch in their order, in memory: a loser takes nobody down with it, a hold of several places gets all
 * of them or none. The snapshot's inventory is used up along the way, so it must not be used again. Apart from the new booking
 * ids this is a pure function of its arguments.
 */
export function decideHolds(
  commands: readonly HoldCommand[],
  snapshot: HoldSnapshot,
  limits: HoldLimits,
): HoldDecision[] {
  const granted = new Map<string, { index: number; fingerprint: string }>();
  const holdsOf = new Map(snapshot.liveHolds);
  return commands.map((command, index): HoldDecision => {
    const scope = `${command.caller.userId} ${command.key}`;
    const stored = snapshot.storedKeys.get(scope);
    const earlier = granted.get(scope);
    if ((stored ?? earlier) && (stored ?? earlier)!.fingerprint !== command.fingerprint) {
      return { kind: 'refused', refusal: { code: 'key_reused' } };
    }
    if (stored) return { kind: 'stored', key: scope };
    if (earlier) return { kind: 'same_as', index: earlier.index };

    const holder = holderOf(command);
    const held = holdsOf.get(holder) ?? 0;
    const result = grantHold(command.request, snapshot, limits, () => refuseBasket(held, limits), command.pricing);
    if ('code' in result) return { kind: 'refused', refusal: result };
    granted.set(scope, { index, fingerprint: command.fingerprint });
    holdsOf.set(holder, held + 1);
    return { kind: 'granted', hold: result };
  });
}

/**
 * Decides one request, and uses the inventory up that it grants. `basket` says whether somebody may not hold anything more, `pricing`
 * how an event with quoted prices comes to its price.
 */
export function grantHold(
  request: HoldRequest,
  snapshot: Pick<HoldSnapshot, 'now' | 'events' | 'resources'>,
  limits: HoldLimits,
  basket: BasketCheck,
  pricing?: HoldPricing,
): GrantedHold | HoldRefusal {
  const terms: Terms = { now: snapshot.now, pricing, fee: limits.fee, basket };
  // What the request itself gets wrong comes before what others have taken, and a full basket before both is no help to anybody.
  if (request.kind === 'slot') {
    const resource = snapshot.resources.get(request.resourceId);
    if (!resource) return { code: 'not_found', what: 'resource' };
    if (resource.archived) return { code: 'archived' };
    return grantSlot(resource, request.startsAt, request.endsAt, terms);
  }
  const event = snapshot.events.get(request.eventId);
  if (!event) return { code: 'not_found', what: 'event' };
  const closed = refuseClosed(event, snapshot.now);
  if (closed) return closed;

  const quantity = request.kind === 'seats' ? request.seats.length : request.quantity;
  const limit = Math.min(limits.placesPerBooking, event.maxPerBooking ?? Infinity);
  if (quantity > limit)
    return { code: 'too_many_places', limit, field: request.kind === 'seats' ? 'seats' : 'quantity' };

  if (request.kind === 'seats') {
    return event.inventory.kind === 'seats'
      ? grantSeats(event, event.inventory, request.seats, terms)
      : { code: 'inventory_mismatch' };
  }
  return event.inventory.kind === 'seats'
    ? grantBestSeats(event, event.inventory, quantity, request.category, terms)
    : grantPlaces(event, event.inventory, quantity, request.category, terms);
}

/** Why nobody can book the event at the moment; null while it is on sale. */
export function refuseClosed(event: BookableEvent, now: Date): HoldRefusal | null {
  if (event.archived) return { code: 'archived' };
  if (event.cancelled) return { code: 'event_cancelled' };
  if (event.endsAt <= now) return { code: 'event_over' };
  if (event.salesOpenAt && now < event.salesOpenAt) return { code: 'sales_not_open', opensAt: event.salesOpenAt };
  if (event.salesCloseAt && event.salesCloseAt <= now) return { code: 'sales_closed' };
  return null;
}

/** What a hold is granted on, beside the places. */
interface Terms extends PriceTerms {
  readonly basket: BasketCheck;
}

type BasketCheck = () => HoldRefusal | null;
/** For those whose holds do not count. */
export const ANY_BASKET: BasketCheck = () => null;

function refuseBasket(held: number, limits: HoldLimits): HoldRefusal | null {
  return held >= limits.holdsPerUser ? { code: 'too_many_holds', limit: limits.holdsPerUser } : null;
}

function grantSeats(
  event: BookableEvent,
  inventory: SeatInventory,
  labels: readonly string[],
  terms: Terms,
): GrantedHold | HoldRefusal {
  const indexesWhere = (test: (label: string, index: number) => boolean) =>
    labels.flatMap((label, index) => (test(label, index) ? [index] : []));
  const repeated = indexesWhere((label, index) => labels.indexOf(label) !== index);
  if (repeated.length > 0) return { code: 'duplicate_seat', indexes: repeated };
  const unknown = indexesWhere((label) => !inventory.layout.byLabel.has(label));
  if (unknown.length > 0) return { code: 'unknown_seat', indexes: unknown };
  const full = terms.basket();
  if (full) return full;
  const taken = labels.filter((label) => inventory.taken.has(label));
  if (taken.length > 0) return { code: 'seats_taken', seats: taken };
  return seatHold(event, inventory, labels, terms);
}

function grantBestSeats(
  event: BookableEvent,
  inventory: SeatInventory,
  quantity: number,
  category: string | null,
  terms: Terms,
): GrantedHold | HoldRefusal {
  if (category !== null && !event.prices.has(category))
    return { code: 'unknown_category', known: [...event.prices.keys()] };
  const full = terms.basket();
  if (full) return full;
  const quoted = quotedSeats(event, quantity, terms);
  if (quoted?.every((label) => isFree(inventory, label, category))) return seatHold(event, inventory, quoted, terms);
  const seats = bestAdjacentSeats(inventory.layout, (label) => inventory.taken.has(label), quantity, category);
  if (!seats) {
    const available = inventory.layout.seats.filter(
      (seat) => !inventory.taken.has(seat.label) && (category === null || seat.category === category),
    ).length;
    return { code: 'too_few_places', requested: quantity, available };
  }
  return seatHold(
    event,
    inventory,
    seats.map((seat) => seat.label),
    terms,
  );
}

function isFree(inventory: SeatInventory, label: string, category: string | null): boolean {
  const seat = inventory.layout.byLabel.get(label);
  return seat !== undefined && !inventory.taken.has(label) && (category === null || seat.category === category);
}

function seatHold(
  event: BookableEvent,
  inventory: SeatInventory,
  labels: readonly string[],
  terms: Terms,
): GrantedHold | HoldRefusal {
  const byCategory = new Map<string, string[]>();
  for (const label of labels) {
    const { category } = inventory.layout.byLabel.get(label)!;
    const seats = byCategory.get(category);
    if (seats) seats.push(label);
    else byCategory.set(category, [label]);
  }
  const wanted = [...byCategory].map(([category, seats]) => ({ category, quantity: seats.length, seats }));
  const priced = priceEvent(event, wanted, terms);
  if ('code' in priced) return priced;
  for (const label of labels) inventory.taken.add(label);
  return { bookingId: newId('bkg'), place: { kind: 'seats', event, seats: labels }, ...priced };
}

function grantPlaces(
  event: BookableEvent,
  pool: PoolInventory,
  quantity: number,
  category: string | null,
  terms: Terms,
): GrantedHold | HoldRefusal {
  const chosen = category ?? defaultCategory(event);
  if (chosen === null || !event.prices.has(chosen))
    return { code: 'unknown_category', known: [...event.prices.keys()] };
  const full = terms.basket();
  if (full) return full;
  const available = pool.capacity - pool.claimed;
  if (quantity > available) return { code: 'too_few_places', requested: quantity, available };
  const priced = priceEvent(event, [{ category: chosen, quantity, seats: [] }], terms);
  if ('code' in priced) return priced;
  pool.claimed += quantity;
  const fromFree = pool.numbered ? pool.freePlaces.splice(0, quantity) : [];
  const fresh = pool.numbered ? Array.from({ length: quantity - fromFree.length }, () => ++pool.placesGiven) : [];
  return {
    bookingId: newId('bkg'),
    place: { kind: 'pool', event, quantity, numbers: [...fromFree, ...fresh], fromFree },
    ...priced,
  };
}

/** Without a category: `standard`, or the only one that there is. */
function defaultCategory(event: BookableEvent): string | null {
  if (event.prices.has('standard')) return 'standard';
  return event.prices.size === 1 ? [...event.prices.keys()][0]! : null;
}

function grantSlot(resource: BookableResource, startsAt: Date, endsAt: Date, terms: Terms): GrantedHold | HoldRefusal {
  const verdict = checkSlot(resource.rules, startsAt, endsAt, terms.now);
  if (!verdict.ok) return { code: verdict.refusal };
  const full = terms.basket();
  if (full) return full;
  const [from, to] = [startsAt.getTime(), endsAt.getTime()];
  const clashes = resource.claims.filter((claim) => claim.from < to && from < claim.to);
  if (clashes.length > 0) {
    const step = resource.rules.slotMinutes * 60_000;
    const slots: { startsAt: Date; endsAt: Date }[] = [];
    for (let at = from; at < to; at += step) {
      if (clashes.some((claim) => claim.from < at + step && at < claim.to)) {
        slots.push({ startsAt: new Date(at), endsAt: new Date(at + step) });
      }
    }
    return { code: 'slots_taken', slots };
  }
  resource.claims.push({ from, to });
  const { amount, currency } = resource.pricePerSlot;
  const line: PriceLine = {
    kind: 'place',
    label: resource.name,
    category: null,
    quantity: verdict.slots,
    unitAmount: amount,
  };
  return {
    bookingId: newId('bkg'),
    place: { kind: 'slots', resource, startsAt, endsAt },
    // However long it is, a time range is one place.
    ...withPlatformFee([line], currency, 1, terms.fee),
    quote: null,
  };
}
