import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId } from '@holdfast/shared/ids';
import type { BookingRow } from '../bookings/booking-row.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { takeClaims } from '../inventory/take-claims.ts';
import { NO_FEE } from '../pricing/platform-fee-rules.ts';
import { decideHolds, type GrantedHold } from './decide-holds.ts';
import { readHoldCommand, type HoldCommand } from './hold-command.ts';
import type { BookableEvent, HoldSnapshot } from './hold-snapshot.ts';
import { readHoldSnapshot } from './read-hold-snapshot.ts';

/** Places that a booking has again; LOCKED, as in a hold. */
export interface RetakenPlaces {
  /** As `bookings.seats` lists them. */
  readonly seats: string[];
  readonly equivalent: boolean;
}

/** Whoever has paid in time is not held to what limits a new hold, and the fee is in the price that was agreed. */
const NO_LIMITS = { holdsPerUser: Infinity, placesPerBooking: Infinity, fee: NO_FEE };

/**
 * Takes the places of an expired booking again, because it was paid after all: the very same ones, else, where the customer allowed
 * it, as many of the same categories, next to each other. Decided like any hold, but neither held to the limits of a user nor to the
 * sale's time, and at the price that was agreed. Null when they cannot be had, or when what was paid for is over, cancelled or
 * moved. Inventory, holder and booking are locked by the caller, in that order.
 */
export async function retakePlaces(
  tx: Tx,
  halls: HallLayouts,
  row: BookingRow,
  allowEquivalent: boolean,
  now: Date,
): Promise<RetakenPlaces | null> {
  const same = [commandFor(row, 0, bodyOfSame(row))];
  const others = allowEquivalent ? await equivalents(row) : [];
  const snapshot = await readHoldSnapshot(tx, halls, [...same, ...others]);
  const event = row.event_id === null ? null : snapshot.events.get(row.event_id);
  if (event && !isWhatWasPaidFor(event, row)) return null;
  const world = await asAgreed(tx, snapshot, event ?? null, row);

  const exact = world.sameNumbersFree ? grantAll(same, world.snapshot) : null;
  const granted = exact ?? (others.length > 0 ? grantAll(others, world.snapshot) : null);
  if (granted === null) return null;
  for (const hold of granted) await takeClaims(tx, row.id, hold.place, now);
  return { seats: exact === null ? granted.flatMap(seatsOf) : row.seats, equivalent: exact === null };
}

/** An event that was moved is another one: whoever paid for that evening has not paid for this. */
function isWhatWasPaidFor(event: BookableEvent, row: BookingRow): boolean {
  return event.startsAt.getTime() === row.starts_at.getTime() && event.endsAt.getTime() === row.ends_at.getTime();
}

function bodyOfSame(row: BookingRow): object {
  if (row.resource_id !== null) {
    return {
      resource_id: row.resource_id,
      starts_at: row.starts_at.toISOString(),
      ends_at: row.ends_at.toISOString(),
    };
  }
  if (row.inventory === 'seats') return { event_id: row.event_id, seats: row.seats };
  const category = row.price_lines.find((line) => line.category !== null)?.category;
  return { event_id: row.event_id, quantity: row.quantity, ...(category ? { category } : {}) };
}

/** As many places of each category as the price counts. A time of a resource has no equivalent. */
async function equivalents(row: BookingRow): Promise<HoldCommand[]> {
  if (row.event_id === null) return [];
  if (row.inventory === 'pool') return [commandFor(row, 1, bodyOfSame(row))];
  const quantities = new Map<string, number>();
  for (const { category, quantity } of row.price_lines) {
    if (category !== null) quantities.set(category, (quantities.get(category) ?? 0) + quantity);
  }
  return [...quantities].map(([category, quantity], index) =>
    commandFor(row, index + 1, { event_id: row.event_id, quantity, category }),
  );
}

/** Such a command is decided and never answered, so it needs neither a caller who waits nor a key of theirs. */
function commandFor(row: BookingRow, index: number, body: object): HoldCommand {
  const caller: SignedInCaller = {
    userId: row.user_id,
    role: 'customer',
    email: row.contact_email,
    name: row.contact_name,
    address: '',
    requestId: newId('req'),
    traceparent: '',
  };
  return readHoldCommand(caller, `retake-${index}`, body);
}

/**
 * The snapshot as it counts for this booking: at the price that it was held at, on sale whenever it was held, and for numbered places
 * with the booking's own numbers first, where all of them have come back.
 */
async function asAgreed(
  tx: Tx,
  snapshot: HoldSnapshot,
  event: BookableEvent | null,
  row: BookingRow,
): Promise<{ snapshot: HoldSnapshot; sameNumbersFree: boolean }> {
  const common = { ...snapshot, storedKeys: new Map(), liveHolds: new Map() };
  if (event === null) return { snapshot: common, sameNumbersFree: true };
  const prices = new Map(
    row.price_lines.flatMap((line) =>
      line.category === null ? [] : [[line.category, BigInt(line.unit_amount)] as const],
    ),
  );
  // However the price came about, it stands: nobody is asked for a quote.
  const unlimited = { pricing: 'list', maxPerBooking: null, salesOpenAt: null, salesCloseAt: null } as const;
  const agreed: BookableEvent = { ...event, prices, ...unlimited };
  const { inventory } = event;
  if (inventory.kind !== 'pool' || !inventory.numbered) {
    return { snapshot: { ...common, events: new Map([[event.id, agreed]]) }, sameNumbersFree: true };
  }
  const wanted = row.seats.map(Number);
  const free = await tx.query<{ place_number: number }>(
    'select place_number from pool_free_places where event_id = $1 and place_number = any ($2::int[])',
    [event.id, wanted],
  );
  const sameNumbersFree = free.rows.length === wanted.length;
  const pool = sameNumbersFree ? { ...inventory, freePlaces: wanted } : inventory;
  return { snapshot: { ...common, events: new Map([[event.id, { ...agreed, inventory: pool }]]) }, sameNumbersFree };
}

/** All of the commands granted, or null; what a refused one was granted in memory is used by nobody. */
function grantAll(commands: readonly HoldCommand[], snapshot: HoldSnapshot): GrantedHold[] | null {
  const granted = decideHolds(commands, snapshot, NO_LIMITS).flatMap((decision) =>
    decision.kind === 'granted' ? [decision.hold] : [],
  );
  return granted.length === commands.length ? granted : null;
}

function seatsOf({ place }: GrantedHold): string[] {
  if (place.kind === 'seats') return [...place.seats];
  return place.kind === 'pool' ? place.numbers.map(String) : [];
}
