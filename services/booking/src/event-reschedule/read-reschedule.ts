import type { EventRescheduleJson } from '@holdfast/shared/contracts/event-reschedule';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { readLatestReschedule, type RescheduleRow } from './reschedule-store.ts';

/** How far the bookings of an event have followed its last move. @throws Problem `not_found`, also for an event that was never moved. */
export async function readRescheduleOf(db: Queryable, eventId: string): Promise<EventRescheduleJson> {
  const row = isId('evt', eventId) ? await readLatestReschedule(db, eventId) : null;
  if (!row) throw new Problem('not_found');
  return toRescheduleJson(row);
}

export function toRescheduleJson(row: RescheduleRow): EventRescheduleJson {
  return {
    object: 'event_reschedule',
    event_id: row.event_id,
    number: row.number,
    state: row.state,
    reason: row.reason,
    refund: row.refund,
    from: { starts_at: row.from_starts_at.toISOString(), ends_at: row.from_ends_at.toISOString() },
    to: { starts_at: row.to_starts_at.toISOString(), ends_at: row.to_ends_at.toISOString() },
    total: row.total,
    done: row.done,
    requested_at: row.requested_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
