import { toMoneyJson } from '@holdfast/shared/money';
import type { ResourceRow } from './resource-store.ts';

/** The resource as the API shows it. */
export function toResourceJson(row: ResourceRow) {
  return {
    id: row.id,
    object: 'resource' as const,
    venue_id: row.venue_id,
    name: row.name,
    slot_minutes: row.slot_minutes,
    min_slots: row.min_slots,
    max_slots: row.max_slots,
    opening_hours: row.opening_hours,
    exceptions: row.exceptions,
    price_per_slot: toMoneyJson({ amount: row.price_per_slot, currency: row.currency }),
    time_zone: row.time_zone,
    version: row.version,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    archived_at: row.archived_at?.toISOString() ?? null,
  };
}

export type ResourceJson = ReturnType<typeof toResourceJson>;
