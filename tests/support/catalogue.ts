import type { ApiClient } from './api-client.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EVERY_DAY = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

async function create(admin: ApiClient, path: string, body: object): Promise<string> {
  const answer = await admin.post<{ id: string }>(path, body);
  if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body.id;
}

/** A venue with valid defaults, made by an administrator's client; resolves with its id, as all of these do. */
export function makeVenue(admin: ApiClient, overrides: object = {}): Promise<string> {
  return create(admin, '/v1/venues', {
    name: 'Riverside Leisure Centre',
    time_zone: 'Europe/Paris',
    currency: 'EUR',
    ...overrides,
  });
}

/** An event in a hall of its own: one row `A` of `seats` seats unless `rows` says otherwise. */
export async function makeSeatsEvent(
  admin: ApiClient,
  options: { seats?: number; rows?: readonly object[]; amount?: number; event?: object } = {},
): Promise<string> {
  const venueId = await makeVenue(admin);
  const hallId = await create(admin, '/v1/halls', {
    venue_id: venueId,
    name: 'Great hall',
    rows: options.rows ?? [{ row: 'A', seats: options.seats ?? 20 }],
  });
  return create(admin, '/v1/events', {
    venue_id: venueId,
    name: 'An evening of chamber music',
    ...inDays(21),
    inventory: 'seats',
    hall_id: hallId,
    prices: [{ category: 'standard', amount: options.amount ?? 4500 }],
    ...options.event,
  });
}

export async function makePoolEvent(
  admin: ApiClient,
  options: { capacity?: number; numbered?: boolean; amount?: number; event?: object } = {},
): Promise<string> {
  return create(admin, '/v1/events', {
    venue_id: await makeVenue(admin),
    name: 'Night ride along the river',
    ...inDays(14),
    inventory: 'pool',
    capacity: options.capacity ?? 50,
    numbered: options.numbered ?? false,
    prices: [{ category: 'standard', amount: options.amount ?? 1500 }],
    ...options.event,
  });
}

/** A net that is booked by the half hour from 08:00 to 22:00, UTC unless the venue is given. */
export async function makeResource(admin: ApiClient, overrides: object = {}): Promise<string> {
  return create(admin, '/v1/resources', {
    venue_id: await makeVenue(admin, { time_zone: 'UTC' }),
    name: 'Cricket practice net',
    slot_minutes: 30,
    opening_hours: EVERY_DAY.map((day) => ({ day, opens: '08:00', closes: '22:00' })),
    price_per_slot: { amount: 1200, currency: 'EUR' },
    ...overrides,
  });
}

function inDays(days: number): { starts_at: string; ends_at: string } {
  const start = (Math.floor(Date.now() / DAY_MS) + days) * DAY_MS + 18 * HOUR_MS;
  return { starts_at: new Date(start).toISOString(), ends_at: new Date(start + 2 * HOUR_MS).toISOString() };
}

/** The day after tomorrow from 10:00 UTC: `slots` half hours that begin `offset` half hours later. */
export function halfHours(slots: number, offset = 0): { starts_at: string; ends_at: string } {
  const base = (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS + 10 * HOUR_MS + offset * (HOUR_MS / 2);
  return { starts_at: new Date(base).toISOString(), ends_at: new Date(base + slots * (HOUR_MS / 2)).toISOString() };
}
