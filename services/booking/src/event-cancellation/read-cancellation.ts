import type { EventCancellationJson } from '@holdfast/shared/contracts/event-cancellation';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { readCancellation, type CancellationRow } from './cancellation-store.ts';

/** How far the cancellation of an event has come. @throws Problem `not_found`, also for an event that was not cancelled. */
export async function readCancellationOf(db: Queryable, eventId: string): Promise<EventCancellationJson> {
  const row = isId('evt', eventId) ? await readCancellation(db, eventId) : null;
  if (!row) throw new Problem('not_found');
  return toCancellationJson(row);
}

export function toCancellationJson(row: CancellationRow): EventCancellationJson {
  return {
    object: 'event_cancellation',
    event_id: row.event_id,
    state: row.state,
    reason: row.reason,
    total: row.total,
    done: row.done,
    failed: row.failed,
    requested_at: row.requested_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
