import type { ApiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import { HALL_ROWS, rowLabel, SEATS_PER_ROW } from './seats.ts';

const DAY_MS = 86_400_000;

/** A hall of 10,000 seats. */
export async function makeHall(api: ApiClient): Promise<{ venueId: string; hallId: string }> {
  const venue = await api.post<{ id: string }>('/v1/venues', {
    name: 'Arena',
    time_zone: 'Europe/Paris',
    currency: 'EUR',
  });
  const rows = Array.from({ length: HALL_ROWS }, (_, row) => ({ row: rowLabel(row), seats: SEATS_PER_ROW }));
  const hall = await api.post<{ id: string }>('/v1/halls', { venue_id: venue.id, name: 'Great hall', rows });
  return { venueId: venue.id, hallId: hall.id };
}

/** Events in a month's time in one hall, by id. */
export async function makeEvents(
  api: ApiClient,
  wanted: { venueId: string; hallId: string; count: number; round: number },
): Promise<string[]> {
  const startsAt = Date.now() + 30 * DAY_MS;
  const ids: string[] = [];
  for (let i = 0; i < wanted.count; i++) {
    const event = await api.post<{ id: string }>('/v1/events', {
      ...{ venue_id: wanted.venueId, name: `Concert ${wanted.round}.${i}`, inventory: 'seats', hall_id: wanted.hallId },
      ...{ starts_at: new Date(startsAt).toISOString(), ends_at: new Date(startsAt + 3 * 3_600_000).toISOString() },
      prices: [{ category: 'standard', amount: 4_500 }],
    });
    ids.push(event.id);
  }
  return ids;
}

/** An event in a month's time whose places are counted and not numbered. @returns its id. */
export async function makePoolEvent(
  api: ApiClient,
  wanted: { venueId: string; name: string; capacity: number },
): Promise<string> {
  const startsAt = Date.now() + 30 * DAY_MS;
  const event = await api.post<{ id: string }>('/v1/events', {
    ...{ venue_id: wanted.venueId, name: wanted.name, inventory: 'pool', capacity: wanted.capacity },
    ...{ starts_at: new Date(startsAt).toISOString(), ends_at: new Date(startsAt + 3 * 3_600_000).toISOString() },
    prices: [{ category: 'standard', amount: 4_500 }],
  });
  return event.id;
}
