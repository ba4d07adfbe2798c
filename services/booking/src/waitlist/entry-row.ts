import type { WaitlistEntryJson, WaitlistStatus } from '@holdfast/shared/contracts/waitlist';
import type { Id } from '@holdfast/shared/ids';
import { toBookingJson, type BookingRow } from '../bookings/booking-row.ts';

export type EntryId = Id<'wtl'>;

/** An entry beside its booking, whose columns have their own names. */
export interface EntryRow extends BookingRow {
  readonly entry_id: EntryId;
  readonly entry_status: WaitlistStatus;
  readonly entry_seq: string;
  /** Null unless it waits. */
  readonly position: number | null;
  readonly wanted: number;
  readonly min_quantity: number;
  readonly category: string | null;
  readonly offered_at: Date | null;
  readonly joined_at: Date;
  readonly changed_at: Date;
}

/** An entry as clients see it. */
export function toEntryJson(row: EntryRow, now: Date): WaitlistEntryJson {
  return {
    id: row.entry_id,
    object: 'waitlist_entry',
    status: row.entry_status,
    position: row.position,
    user_id: row.user_id,
    event_id: row.event_id,
    resource_id: row.resource_id,
    quantity: row.wanted,
    min_quantity: row.min_quantity,
    category: row.category,
    starts_at: row.starts_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    time_zone: row.time_zone,
    booking_id: row.id,
    booking: row.offered_at === null ? null : toBookingJson(row, now),
    offered_at: row.offered_at?.toISOString() ?? null,
    server_now: now.toISOString(),
    created_at: row.joined_at.toISOString(),
    updated_at: row.changed_at.toISOString(),
  };
}
