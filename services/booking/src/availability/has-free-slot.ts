import { Temporal } from 'temporal-polyfill';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { readResourceAvailability } from './read-resource-availability.ts';

/** Days that are worked out at a time: most resources have something free soon. */
const DAYS_AT_ONCE = 3;

/** Whether a resource has a slot between two times that could be booked a moment ago. False for an unknown one. */
export async function hasFreeSlot(db: Queryable, resourceId: string, from: Date, to: Date): Promise<boolean> {
  // Dates are the venue's; no zone is more than a day away from UTC.
  const utc = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO('UTC').toPlainDate();
  const last = Temporal.Instant.fromEpochMilliseconds(to.getTime())
    .toZonedDateTimeISO('UTC')
    .toPlainDate()
    .add({ days: 1 });
  for (
    let day = utc.subtract({ days: 1 });
    Temporal.PlainDate.compare(day, last) <= 0;
    day = day.add({ days: DAYS_AT_ONCE })
  ) {
    const found = await readResourceAvailability(db, resourceId, { date: day.toString(), days: DAYS_AT_ONCE });
    if (found === null) return false;
    const free = found.slots.some(
      (slot) =>
        slot.status === 'AVAILABLE' &&
        Date.parse(slot.starts_at) >= from.getTime() &&
        Date.parse(slot.ends_at) <= to.getTime(),
    );
    if (free) return true;
  }
  return false;
}
