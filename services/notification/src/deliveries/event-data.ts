import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';

/** The data of an event of family `booking`. @throws PermanentMessageError when it is not what its contract says. */
export function dataOf<T>(
  schema: { safeParse(data: unknown): { success: true; data: T } | { success: false; error: Error } },
  event: Pick<IncomingEvent, 'name' | 'data'>,
): T {
  const result = schema.safeParse(event.data);
  if (result.success) return result.data;
  // The issues name fields, not values: the error is kept and shown.
  throw new PermanentMessageError(`data of booking.${event.name} breaks its contract: ${result.error.message}`);
}
