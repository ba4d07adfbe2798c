import type { EventRow } from './event-store.ts';

/** The event as the API shows it. */
export function toEventJson(row: EventRow) {
  return {
    id: row.id,
    object: 'event' as const,
    venue_id: row.venue_id,
    name: row.name,
    starts_at: row.starts_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    time_zone: row.time_zone,
    inventory: row.inventory,
    hall_id: row.hall_id,
    capacity: row.capacity,
    numbered: row.numbered,
    currency: row.currency,
    prices: row.prices,
    max_per_booking: row.max_per_booking,
    pricing: row.pricing,
    quote_fallback: row.quote_fallback,
    sales_open_at: row.sales_open_at?.toISOString() ?? null,
    sales_close_at: row.sales_close_at?.toISOString() ?? null,
    house_blocks: row.house_blocks,
    cancelled_at: row.cancelled_at?.toISOString() ?? null,
    version: row.version,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    archived_at: row.archived_at?.toISOString() ?? null,
  };
}

export type EventJson = ReturnType<typeof toEventJson>;
