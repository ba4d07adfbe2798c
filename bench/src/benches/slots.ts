import type { ApiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';

/** Resources that slots are held of. */
export const RESOURCES = 50;
const SLOT_MINUTES = 10;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** Steps through the slots of half a year without a common divisor, so that neighbouring holds are not neighbouring slots. */
const SLOTS = 180 * ((24 * 60) / SLOT_MINUTES);
const STRIDE = 7_919;

/** Courts that are open day and night, by id. */
export async function makeCourts(api: ApiClient, round: number): Promise<string[]> {
  const venue = await api.post<{ id: string }>('/v1/venues', { name: 'Courts', time_zone: 'UTC', currency: 'EUR' });
  const ids: string[] = [];
  for (let i = 0; i < RESOURCES; i++) {
    const court = await api.post<{ id: string }>('/v1/resources', {
      ...{ venue_id: venue.id, name: `Court ${round}.${i}`, slot_minutes: SLOT_MINUTES },
      opening_hours: DAYS.map((day) => ({ day, opens: '00:00', closes: '24:00' })),
      price_per_slot: { amount: 1_200, currency: 'EUR' },
    });
    ids.push(court.id);
  }
  return ids;
}

/** The n-th hold of a round: which of the courts, and when. No two name the same time of one court. @throws RangeError beyond. */
export function slotOf(
  n: number,
  firstDayMs: number,
): { readonly court: number; readonly startsAt: string; readonly endsAt: string } {
  if (n >= RESOURCES * SLOTS) throw new RangeError('every slot of half a year is held');
  const slot = (Math.floor(n / RESOURCES) * STRIDE) % SLOTS;
  const start = firstDayMs + slot * SLOT_MINUTES * MINUTE_MS;
  return {
    court: n % RESOURCES,
    startsAt: new Date(start).toISOString(),
    endsAt: new Date(start + SLOT_MINUTES * MINUTE_MS).toISOString(),
  };
}

/** Midnight of the day after tomorrow, UTC. */
export function firstDay(): number {
  return (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS;
}
