import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { toEventJson, type EventJson } from './event-json.ts';
import { findEvent } from './event-store.ts';

/** The event, archived or not; null for an unknown or malformed id. */
export async function readEvent(db: Queryable, id: string): Promise<EventJson | null> {
  const event = isId('evt', id) ? await findEvent(db, id) : null;
  return event && toEventJson(event);
}
