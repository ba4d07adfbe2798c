import type { Queryable } from '@holdfast/shared/db/transaction';
import type { EventId } from '@holdfast/shared/ids';

/** Whether everybody who has booked this event gets everything back. A booking of a resource (null) has no event. */
export async function isEventCancelled(db: Queryable, eventId: EventId | null): Promise<boolean> {
  if (eventId === null) return false;
  const { rowCount } = await db.query('select from events where id = $1 and cancelled_at is not null', [eventId]);
  return rowCount === 1;
}
