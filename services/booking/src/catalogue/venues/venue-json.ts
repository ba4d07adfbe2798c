import type { VenueRow } from './venue-store.ts';

/** The venue as the API shows it. */
export function toVenueJson(row: VenueRow) {
  return {
    id: row.id,
    object: 'venue' as const,
    name: row.name,
    address: row.address,
    time_zone: row.time_zone,
    currency: row.currency,
    refund_policy: row.refund_policy,
    version: row.version,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    archived_at: row.archived_at?.toISOString() ?? null,
  };
}

export type VenueJson = ReturnType<typeof toVenueJson>;
