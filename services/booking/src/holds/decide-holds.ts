import { addMoney, type Money } from '@holdfast/shared/money';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { bestAdjacentSeats } from '../inventory/best-adjacent.ts';
import { checkSlot, type SlotRefusal } from '../inventory/slot-grid.ts';
import type { HoldCommand } from './hold-command.ts';
import type { HoldRequest } from './hold-request.ts';
import type { BookableEvent, BookableResource, HoldSnapshot, PoolInventory, SeatInventory } from './hold-snapshot.ts';

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
  | { readonly code: 'slots_taken'; readonly slots: readonly { startsAt: Date; endsAt: Date }[] };

export interface PriceLine {
  readonly label: string;
  readonly category: string | null;
  readonly quantity: number;
  readonly unitAmount: bigint;
}

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
}

export type HoldDecision =
  | { readonly kind: 'granted'; readonly hold: GrantedHold }
  | { readonly kind: 'refused'; readonly refusal: HoldRefusal }
  /** The key was used before; its stored answer is given again. */
  | { readonly kind: 'stored'; readonly key: string }
  /** An earlier command of this very batch has the same key and was granted. */
  | { readonly kind: 'same_as'; readonly index: number };

export interface HoldLimits {
  readonly holdsPerUser: number;
  readonly placesPerBooking: number;
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

    const held = holdsOf.get(command.caller.userId) ?? 0;
    const result = grantHold(command.request, snapshot, limits, () => refuseBasket(held, limits));
    if ('code' in result) return { kind: 'refused', refusal: result };
    granted.set(scope, { index, fingerprint: command.fingerprint });
    holdsOf.set(command.caller.userId, held + 1);
    return { kind: 'granted', hold: result };
  });
}

/** Decides one request, and uses the inventory up that it grants. `basket` says whether somebody may not hold anything more. */
export function grantHold(
  request: HoldRequest,
  snapshot: Pick<HoldSnapshot, 'now' | 'events' | 'resources'>,
  limits: HoldLimits,
  basket: BasketCheck,
): GrantedHold | HoldRefusal {
  // What the request itself gets wrong comes before what others have taken, and a full basket before both is no help to anybody.
  if (request.kind === 'slot') {
    const resource = snapshot.resources.get(request.resourceId);
    if (!resource) return { code: 'not_found', what: 'resource' };
    if (resource.archived) return { code: 'archived' };
    return grantSlot(resource, request.startsAt, request.endsAt, snapshot.now, basket);
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
      ? grantSeats(event, event.inventory, request.seats, basket)
      : { code: 'inventory_mismatch' };
  }
  return event.inventory.kind === 'seats'
    ? grantBestSeats(event, event.inventory, quantity, request.category, basket)
    : grantPlaces(event, event.inventory, quantity, request.category, basket);
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
  basket: BasketCheck,
): GrantedHold | HoldRefusal {
  const indexesWhere = (test: (label: string, index: number) => boolean) =>
    labels.flatMap((label, index) => (test(label, index) ? [index] : []));
  const repeated = indexesWhere((label, index) => labels.indexOf(label) !== index);
  if (repeated.length > 0) return { code: 'duplicate_seat', indexes: repeated };
  const unknown = indexesWhere((label) => !inventory.layout.byLabel.has(label));
  if (unknown.length > 0) return { code: 'unknown_seat', indexes: unknown };
  const full = basket();
  if (full) return full;
  const taken = labels.filter((label) => inventory.taken.has(label));
  if (taken.length > 0) return { code: 'seats_taken', seats: taken };
  for (const label of labels) inventory.taken.add(label);
  return seatHold(event, inventory, labels);
}

function grantBestSeats(
  event: BookableEvent,
  inventory: SeatInventory,
  quantity: number,
  category: string | null,
  basket: BasketCheck,
): GrantedHold | HoldRefusal {
  if (category !== null && !event.prices.has(category))
    return { code: 'unknown_category', known: [...event.prices.keys()] };
  const full = basket();
  if (full) return full;
  const seats = bestAdjacentSeats(inventory.layout, (label) => inventory.taken.has(label), quantity, category);
  if (!seats) {
    const available = inventory.layout.seats.filter(
      (seat) => !inventory.taken.has(seat.label) && (category === null || seat.category === category),
    ).length;
    return { code: 'too_few_places', requested: quantity, available };
  }
  const labels = seats.map((seat) => seat.label);
  for (const label of labels) inventory.taken.add(label);
  return seatHold(event, inventory, labels);
}

function seatHold(event: BookableEvent, inventory: SeatInventory, labels: readonly string[]): GrantedHold {
  const byCategory = new Map<string, number>();
  for (const label of labels) {
    const { category } = inventory.layout.byLabel.get(label)!;
    byCategory.set(category, (byCategory.get(category) ?? 0) + 1);
  }
  const lines = [...byCategory].map(([category, quantity]) => line(event, category, quantity));
  return {
    bookingId: newId('bkg'),
    place: { kind: 'seats', event, seats: labels },
    lines,
    price: total(lines, event.currency),
  };
}

function grantPlaces(
  event: BookableEvent,
  pool: PoolInventory,
  quantity: number,
  category: string | null,
  basket: BasketCheck,
): GrantedHold | HoldRefusal {
  const chosen = category ?? defaultCategory(event);
  if (chosen === null || !event.prices.has(chosen))
    return { code: 'unknown_category', known: [...event.prices.keys()] };
  const full = basket();
  if (full) return full;
  const available = pool.capacity - pool.claimed;
  if (quantity > available) return { code: 'too_few_places', requested: quantity, available };
  pool.claimed += quantity;
  const fromFree = pool.numbered ? pool.freePlaces.splice(0, quantity) : [];
  const fresh = pool.numbered ? Array.from({ length: quantity - fromFree.length }, () => ++pool.placesGiven) : [];
  const lines = [line(event, chosen, quantity)];
  return {
    bookingId: newId('bkg'),
    place: { kind: 'pool', event, quantity, numbers: [...fromFree, ...fresh], fromFree },
    lines,
    price: total(lines, event.currency),
  };
}

/** Without a category: `standard`, or the only one that there is. */
function defaultCategory(event: BookableEvent): string | null {
  if (event.prices.has('standard')) return 'standard';
  return event.prices.size === 1 ? [...event.prices.keys()][0]! : null;
}

function grantSlot(
  resource: BookableResource,
  startsAt: Date,
  endsAt: Date,
  now: Date,
  basket: BasketCheck,
): GrantedHold | HoldRefusal {
  const verdict = checkSlot(resource.rules, startsAt, endsAt, now);
  if (!verdict.ok) return { code: verdict.refusal };
  const full = basket();
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
  const lines = [
    { label: resource.name, category: null, quantity: verdict.slots, unitAmount: resource.pricePerSlot.amount },
  ];
  return {
    bookingId: newId('bkg'),
    place: { kind: 'slots', resource, startsAt, endsAt },
    lines,
    price: total(lines, resource.pricePerSlot.currency),
  };
}

function line(event: BookableEvent, category: string, quantity: number): PriceLine {
  const unitAmount = event.prices.get(category);
  // The catalogue refuses an event whose hall has a category without a price.
  if (unitAmount === undefined) throw new Error(`event ${event.id} has no price for ${category}`);
  return { label: `${event.name}, ${category}`, category, quantity, unitAmount };
}

function total(lines: readonly PriceLine[], currency: string): Money {
  return lines.reduce<Money>(
    (sum, { unitAmount, quantity }) => addMoney(sum, { amount: unitAmount * BigInt(quantity), currency }),
    { amount: 0n, currency },
  );
}
