import type { Tx } from '@holdfast/shared/db/transaction';
import type { StoredKey } from '@holdfast/shared/idempotency/idempotency-store';
import type { EventId, HallId, ResourceId, UserId } from '@holdfast/shared/ids';
import type { RefundWindow } from '../bookings/refund-policy.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import type { SlotRules } from '../inventory/slot-grid.ts';
import { holderOf, type HoldCommand } from './hold-command.ts';
import type { BookableEvent, BookableResource, HoldSnapshot } from './hold-snapshot.ts';

/** What a batch touches, in the shape of the two statements below. */
interface BatchPlan {
  readonly eventIds: EventId[];
  readonly resourceIds: ResourceId[];
  readonly userIds: UserId[];
  readonly keyUsers: string[];
  readonly keys: string[];
  /** Seats asked for by label, as two columns. */
  readonly seatEvents: string[];
  readonly seatLabels: string[];
  /** Events of which somebody wants the best seats or numbered places: their quantity in all. */
  readonly quantityEvents: EventId[];
  readonly quantities: number[];
  /** The time range that the batch asks of each resource. */
  readonly rangeFrom: Date[];
  readonly rangeTo: Date[];
}

/** Inventory that a batch looks at although none of its commands asks for it. */
export interface MoreInventory {
  readonly eventIds: readonly EventId[];
  readonly resourceIds: readonly ResourceId[];
}
const NOTHING_MORE: MoreInventory = { eventIds: [], resourceIds: [] };
const NO_TIME = new Date(0);

function planOf(commands: readonly HoldCommand[], more: MoreInventory): BatchPlan {
  const events = new Set<EventId>(more.eventIds);
  const ranges = new Map<ResourceId, { from: Date; to: Date }>();
  const wanted = new Map<EventId, number>();
  const plan = {
    keyUsers: [] as string[],
    keys: [] as string[],
    seatEvents: [] as string[],
    seatLabels: [] as string[],
  };
  for (const { caller, key, request } of commands) {
    plan.keyUsers.push(caller.userId);
    plan.keys.push(key);
    if (request.kind === 'slot') {
      const range = ranges.get(request.resourceId);
      ranges.set(request.resourceId, {
        from: range && range.from < request.startsAt ? range.from : request.startsAt,
        to: range && range.to > request.endsAt ? range.to : request.endsAt,
      });
      continue;
    }
    events.add(request.eventId);
    if (request.kind === 'seats') {
      for (const seat of request.seats) {
        plan.seatEvents.push(request.eventId);
        plan.seatLabels.push(seat);
      }
    } else {
      wanted.set(request.eventId, (wanted.get(request.eventId) ?? 0) + request.quantity);
    }
  }
  for (const id of more.resourceIds) if (!ranges.has(id)) ranges.set(id, { from: NO_TIME, to: NO_TIME });
  return {
    ...plan,
    eventIds: [...events].sort(),
    resourceIds: [...ranges.keys()],
    userIds: [...new Set(commands.map(holderOf))].sort(),
    quantityEvents: [...wanted.keys()],
    quantities: [...wanted.values()],
    rangeFrom: [...ranges.values()].map(({ from }) => from),
    rangeTo: [...ranges.values()].map(({ to }) => to),
  };
}

/** JSON as the query below makes it; times are RFC 3339 text. */
interface SnapshotRow {
  now: Date;
  events:
    | {
        id: EventId;
        name: string;
        venue: string;
        starts_at: string;
        ends_at: string;
        time_zone: string;
        currency: string;
        refund_policy: RefundWindow[];
        archived: boolean;
        inventory: 'seats' | 'pool';
        hall_id: HallId | null;
        hall_version: number | null;
        capacity: number;
        claimed: number;
        numbered: boolean;
        places_given: number;
        prices: { category: string; amount: number }[];
        pricing: 'list' | 'quoted';
        quote_fallback: 'list' | 'refuse';
        max_per_booking: number | null;
        cancelled: boolean;
        line_due: boolean;
        sales_open_at: string | null;
        sales_close_at: string | null;
        house_blocks: string[];
      }[]
    | null;
  resources:
    | {
        id: ResourceId;
        name: string;
        venue: string;
        time_zone: string;
        currency: string;
        refund_policy: RefundWindow[];
        archived: boolean;
        slot_minutes: number;
        min_slots: number;
        max_slots: number | null;
        opening_hours: SlotRules['openingHours'];
        exceptions: NonNullable<SlotRules['exceptions']>;
        price_per_slot: number;
        version: number;
        line_due: boolean;
      }[]
    | null;
  seats: [EventId, string][] | null;
  slots: { resource_id: ResourceId; from: number; to: number }[] | null;
  free_places: { event_id: EventId; places: number[] }[] | null;
  holds: { user_id: UserId; count: number }[] | null;
  keys:
    | {
        user_id: UserId;
        key: string;
        fingerprint: string;
        status: number;
        headers: Record<string, string>;
        body: string;
        final: boolean;
        context: unknown;
      }[]
    | null;
}

/**
 * Locks what a batch touches, in the order that everybody keeps, and reads it. The locks come first and in a statement of their own:
 * in READ COMMITTED the reading statement then sees all that was committed before they were granted.
 *
 * Claims and keys are looked up row by row (`lateral`, and a limit or offset that keeps it apart): a plan is kept for as long as a
 * connection lives, and one that was made while a table was small would go on reading the whole of it.
 */
export async function readHoldSnapshot(
  tx: Tx,
  layouts: HallLayouts,
  commands: readonly HoldCommand[],
  more: MoreInventory = NOTHING_MORE,
): Promise<HoldSnapshot> {
  const plan = planOf(commands, more);
  await tx.query({
    name: 'hold-lock',
    text: 'select lock_inventory($1::text[], $2::text[], $3::text[])',
    values: [plan.eventIds, plan.resourceIds, plan.userIds],
  });
  const { rows } = await tx.query<SnapshotRow>({
    name: 'hold-read',
    text: `select clock.app_now() as now,
        (select json_agg(json_build_object(
                  'id', e.id, 'name', e.name, 'venue', v.name, 'starts_at', e.starts_at, 'ends_at', e.ends_at,
                  'time_zone', v.time_zone, 'currency', v.currency, 'refund_policy', v.refund_policy,
                  'archived', coalesce(e.archived_at, v.archived_at, h.archived_at) is not null, 'inventory', e.inventory, 'hall_id', e.hall_id,
                  'hall_version', e.hall_version, 'capacity', e.capacity, 'claimed', e.claimed, 'numbered', e.numbered,
                  'places_given', e.places_given, 'prices', e.prices, 'pricing', e.pricing, 'quote_fallback', e.quote_fallback, 'max_per_booking', e.max_per_booking,
                  'cancelled', e.cancelled_at is not null, 'line_due', e.waiting > 0 and e.line_version < e.inventory_version, 'sales_open_at', e.sales_open_at, 'sales_close_at', e.sales_close_at, 'house_blocks', e.house_blocks))
           from events e
           join venues v on v.id = e.venue_id
           left join halls h on h.id = e.hall_id
          where e.id = any ($1::text[])) as events,
        (select json_agg(json_build_object(
                  'id', r.id, 'name', r.name, 'venue', v.name, 'time_zone', v.time_zone, 'currency', v.currency,
                  'refund_policy', v.refund_policy, 'archived', coalesce(r.archived_at, v.archived_at) is not null,
                  'slot_minutes', r.slot_minutes, 'min_slots', r.min_slots, 'max_slots', r.max_slots,
                  'opening_hours', r.opening_hours, 'exceptions', r.exceptions, 'price_per_slot', r.price_per_slot, 'version', r.version,
                  'line_due', r.waiting > 0 and r.line_version < r.inventory_version))
           from resources r join venues v on v.id = r.venue_id
          where r.id = any ($2::text[])) as resources,
        (select json_agg(json_build_array(c.event_id, c.seat))
           from (select claim.event_id, claim.seat
                   from unnest($3::text[], $4::text[]) as wanted (event_id, seat)
                   cross join lateral (select event_id, seat
                                         from seat_claims s
                                        where s.event_id = wanted.event_id
                                          and s.seat = wanted.seat
                                          and s.released_at is null
                                        limit 1) claim
                  union all
                 select claim.event_id, claim.seat
                   from unnest($5::text[]) as wanted (event_id)
                   cross join lateral (select event_id, seat
                                         from seat_claims s
                                        where s.event_id = wanted.event_id
                                          and s.released_at is null
                                       offset 0) claim) c) as seats,
        (select json_agg(json_build_object(
                  'resource_id', wanted.resource_id,
                  'from', extract(epoch from lower(claim.during)) * 1000,
                  'to', extract(epoch from upper(claim.during)) * 1000))
           from unnest($2::text[], $7::timestamptz[], $8::timestamptz[]) as wanted (resource_id, starts_at, ends_at)
           cross join lateral (select during
                                 from slot_claims s
                                where s.resource_id = wanted.resource_id
                                  and s.during && tstzrange(wanted.starts_at, wanted.ends_at)
                                  and s.released_at is null
                               offset 0) claim) as slots,
        (select json_agg(json_build_object('event_id', wanted.event_id, 'places', free.places))
           from unnest($5::text[], $6::int[]) as wanted (event_id, quantity)
           cross join lateral (select json_agg(place_number order by place_number) as places
                                 from (select place_number from pool_free_places f
                                        where f.event_id = wanted.event_id
                                        order by place_number
                                        limit wanted.quantity) f) free
          where free.places is not null) as free_places,
        (select json_agg(json_build_object('user_id', user_id, 'count', count))
           from (select user_id, count(*)::int as count
                   from bookings
                  where user_id = any ($9::text[])
                    and status in ('HELD', 'PAYMENT_INITIATED')
                    and series_id is null
                    and (hold_expires_at > (select clock.app_now()) or pinned_at is not null)
                  group by user_id) h) as holds,
        (select json_agg(k)
           from unnest($10::text[], $11::text[]) as wanted (user_id, key)
           cross join lateral (select user_id, key, fingerprint, status, headers, body, final, context
                                 from idempotency_keys i
                                where i.user_id = wanted.user_id
                                  and i.key = wanted.key
                                limit 1) k) as keys`,
    values: [
      plan.eventIds,
      plan.resourceIds,
      plan.seatEvents,
      plan.seatLabels,
      plan.quantityEvents,
      plan.quantities,
      plan.rangeFrom,
      plan.rangeTo,
      plan.userIds,
      plan.keyUsers,
      plan.keys,
    ],
  });
  return toSnapshot(tx, layouts, rows[0]!);
}

async function toSnapshot(tx: Tx, layouts: HallLayouts, row: SnapshotRow): Promise<HoldSnapshot> {
  const events = new Map<EventId, BookableEvent>();
  for (const event of row.events ?? []) {
    events.set(event.id, {
      id: event.id,
      name: event.name,
      venueName: event.venue,
      startsAt: new Date(event.starts_at),
      endsAt: new Date(event.ends_at),
      timeZone: event.time_zone,
      currency: event.currency,
      refundPolicy: event.refund_policy,
      archived: event.archived,
      lineDue: event.line_due,
      prices: new Map(event.prices.map(({ category, amount }) => [category, BigInt(amount)])),
      pricing: event.pricing,
      quoteFallback: event.quote_fallback,
      maxPerBooking: event.max_per_booking,
      cancelled: event.cancelled,
      salesOpenAt: toDate(event.sales_open_at),
      salesCloseAt: toDate(event.sales_close_at),
      inventory:
        event.inventory === 'seats'
          ? {
              kind: 'seats',
              hallId: event.hall_id!,
              layout: await layouts.get(tx, event.hall_id!, event.hall_version!),
              taken: new Set(event.house_blocks),
            }
          : {
              kind: 'pool',
              capacity: event.capacity,
              numbered: event.numbered,
              claimed: event.claimed,
              placesGiven: event.places_given,
              freePlaces: row.free_places?.find((free) => free.event_id === event.id)?.places ?? [],
            },
    });
  }
  for (const [eventId, seat] of row.seats ?? []) {
    const inventory = events.get(eventId)?.inventory;
    if (inventory?.kind === 'seats') inventory.taken.add(seat);
  }

  const resources = new Map<ResourceId, BookableResource>();
  for (const resource of row.resources ?? []) {
    resources.set(resource.id, {
      id: resource.id,
      name: resource.name,
      venueName: resource.venue,
      timeZone: resource.time_zone,
      currency: resource.currency,
      refundPolicy: resource.refund_policy,
      archived: resource.archived,
      lineDue: resource.line_due,
      rules: rulesOf(resource),
      pricePerSlot: { amount: BigInt(resource.price_per_slot), currency: resource.currency },
      claims: (row.slots ?? []).filter((slot) => slot.resource_id === resource.id),
    });
  }

  const storedKeys = new Map<string, StoredKey>();
  for (const { user_id, key, fingerprint, status, headers, body, final, context } of row.keys ?? []) {
    storedKeys.set(`${user_id} ${key}`, { fingerprint, answer: { status, headers, body }, final, context });
  }
  return {
    now: row.now,
    events,
    resources,
    liveHolds: new Map((row.holds ?? []).map(({ user_id, count }) => [user_id, count])),
    storedKeys,
  };
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

/** The slot grid remembers the days of a rules object, so one version of a resource keeps one object. */
const rulesByVersion = new Map<string, SlotRules>();
const RULES_KEPT = 10_000;

function rulesOf(resource: NonNullable<SnapshotRow['resources']>[number]): SlotRules {
  const key = `${resource.id}/${resource.version}/${resource.time_zone}`;
  const known = rulesByVersion.get(key);
  if (known) return known;
  const rules: SlotRules = {
    timeZone: resource.time_zone,
    slotMinutes: resource.slot_minutes,
    minSlots: resource.min_slots,
    maxSlots: resource.max_slots,
    openingHours: resource.opening_hours,
    exceptions: resource.exceptions,
  };
  if (rulesByVersion.size >= RULES_KEPT) rulesByVersion.delete(rulesByVersion.keys().next().value!);
  rulesByVersion.set(key, rules);
  return rules;
}
