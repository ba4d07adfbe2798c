import type { z } from 'zod';
import type { eventBody } from '@holdfast/shared/contracts/catalogue';
import { violatedConstraint, type Tx } from '@holdfast/shared/db/transaction';
import { countLiveBookings } from '../../bookings/count-live-bookings.ts';
import { followUncounted } from '../../event-reschedule/follow-event.ts';
import { readHallRows } from '../../inventory/read-hall-rows.ts';
import type { ChangeRefusal } from '../catalogue-refusal.ts';
import { checkSeats } from './check-seats.ts';
import { toEventJson, type EventJson } from './event-json.ts';
import { findEvent, readEventUse, updateEventRow } from './event-store.ts';

type EventInput = z.output<typeof eventBody>;

/** The fields that an event keeps for good: they decide what its claims mean. */
export const KEPT_FIELDS = ['venue_id', 'inventory', 'hall_id', 'numbered'];

/** An event as the body that would create it: a hall decides capacity and numbers. */
export function toEventFields(event: EventJson): Record<string, unknown> {
  const { venue_id, name, starts_at, ends_at, inventory, prices, max_per_booking, pricing } = event;
  const { quote_fallback, sales_open_at, sales_close_at } = event;
  return {
    ...{
      venue_id,
      name,
      starts_at,
      ends_at,
      inventory,
      prices,
      max_per_booking,
      pricing,
      quote_fallback,
      sales_open_at,
      sales_close_at,
    },
    ...(inventory === 'seats'
      ? { hall_id: event.hall_id, house_blocks: event.house_blocks }
      : { capacity: event.capacity, numbered: event.numbered }),
  };
}

/**
 * Changes an event. Bookings keep the price that they have. Its time stays while somebody counts on it, and its capacity never falls
 * below what is claimed.
 */
export async function updateEvent(
  tx: Tx,
  current: EventJson,
  input: EventInput,
  quoting: boolean,
): Promise<EventJson | ChangeRefusal> {
  if (input.pricing === 'quoted' && current.pricing !== 'quoted' && !quoting) return { refused: 'no_quoter' };
  const [startsAt, endsAt] = [new Date(input.starts_at), new Date(input.ends_at)];
  const moves = startsAt.toISOString() !== current.starts_at || endsAt.toISOString() !== current.ends_at;
  if (moves) {
    if (current.cancelled_at !== null) return { refused: 'event_cancelled' };
    const live = await countLiveBookings(tx, { eventIds: [current.id], resourceIds: [] });
    const detail = `live bookings for the present time: ${live}; POST /v1/events/${current.id}/reschedule takes them along`;
    if (live > 0) return { refused: 'in_use', detail };
  }
  const capacity = input.capacity ?? current.capacity;
  const use = await readEventUse(tx, current.id);
  if (capacity < use.claimed) return tooSmall(use.claimed);
  if (capacity < use.highest_place) {
    return { refused: 'in_use', detail: `place number ${use.highest_place} is claimed` };
  }
  if (current.hall_id !== null) {
    const wrong = checkSeats(await readHallRows(tx, current.hall_id, use.hall_version!), input);
    if (wrong) return wrong;
  }

  try {
    const updated = await updateEventRow(
      tx,
      {
        id: current.id,
        name: input.name,
        startsAt,
        endsAt,
        capacity,
        prices: input.prices,
        maxPerBooking: input.max_per_booking ?? null,
        pricing: input.pricing,
        quoteFallback: input.quote_fallback,
        salesOpenAt: toDate(input.sales_open_at),
        salesCloseAt: toDate(input.sales_close_at),
        houseBlocks: input.house_blocks ?? [],
      },
      current.version,
    );
    if (updated && moves) await followUncounted(tx, current.id);
    return updated ? toEventJson((await findEvent(tx, current.id))!) : { refused: 'version_mismatch' };
  } catch (error) {
    // The database has the last word on capacity (G1), whatever was read above.
    if (violatedConstraint(error) === 'events_claimed_within_capacity') return tooSmall(use.claimed);
    throw error;
  }
}

function tooSmall(claimed: number): ChangeRefusal {
  return { refused: 'in_use', detail: `${claimed} places are claimed` };
}

export function toDate(instant: string | null | undefined): Date | null {
  return instant == null ? null : new Date(instant);
}
