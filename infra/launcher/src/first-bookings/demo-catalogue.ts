import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ApiError, type ApiClient } from './api-client.ts';

/** Ids of what the demonstration books. */
export interface DemoCatalogue {
  readonly venueId: string;
  readonly hallId: string;
  readonly resourceId: string;
  /** An evening in the hall. */
  readonly seatsEventId: string;
  /** A ride with numbered places. */
  readonly poolEventId: string;
}

const DAY_MS = 86_400_000;
/** An event is replaced while it is still this far away, so that nothing booked at a start is about to begin. */
const SOONEST_MS = 2 * DAY_MS;

/**
 * The demonstration's venue, hall, net and events: found again by the ids of the last start, made where they are missing (a new
 * database) or over, so that restarts do not fill the catalogue.
 */
export async function ensureDemoCatalogue(admin: ApiClient, idsFile: string): Promise<DemoCatalogue> {
  const known = readIds(idsFile);
  const made: Partial<Record<keyof DemoCatalogue, string>> = {};
  const ensure = async (key: keyof DemoCatalogue, path: string, body: () => Record<string, unknown>) => {
    const id = known[key];
    if (id !== undefined && (await isUsable(admin, `${path}/${id}`))) return (made[key] = id);
    return (made[key] = (await admin.post<{ id: string }>(path, body())).id);
  };

  const venueId = await ensure('venueId', '/v1/venues', () => ({
    name: 'Riverside Leisure Centre',
    address: '3 quai de la Seine, 75019 Paris',
    time_zone: 'Europe/Paris',
    currency: 'EUR',
  }));
  const hallId = await ensure('hallId', '/v1/halls', () => ({
    venue_id: venueId,
    name: 'Main hall',
    rows: [...'ABCDEFGHJK'].map((row, index) => ({
      ...{ row, seats: 20, category: index < 3 ? 'front' : 'standard' },
      // At the ends of the last row, where a wheelchair gets in.
      accessible: row === 'K' ? [1, 2, 19, 20] : [],
    })),
  }));
  const resourceId = await ensure('resourceId', '/v1/resources', () => ({
    venue_id: venueId,
    name: 'Cricket practice net 1',
    slot_minutes: 60,
    max_slots: 3,
    exceptions: [{ date: nextChristmas(), closed: true }],
    opening_hours: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => ({
      day,
      opens: '08:00',
      closes: '22:00',
    })),
    price_per_slot: { amount: 1800, currency: 'EUR' },
  }));
  const seatsEventId = await ensure('seatsEventId', '/v1/events', () => ({
    ...{ venue_id: venueId, name: 'An evening of chamber music', ...timesIn(21, 18, 2.5) },
    ...{ inventory: 'seats', hall_id: hallId, max_per_booking: 8, house_blocks: ['A-10', 'A-11'] },
    prices: [
      { category: 'front', amount: 6500 },
      { category: 'standard', amount: 4500 },
    ],
  }));
  const poolEventId = await ensure('poolEventId', '/v1/events', () => ({
    ...{ venue_id: venueId, name: 'Night ride along the river', ...timesIn(14, 20, 3) },
    ...{ inventory: 'pool', capacity: 200, numbered: true, sales_close_at: timesIn(14, 18, 1).starts_at },
    prices: [
      { category: 'standard', amount: 1200 },
      { category: 'child', amount: 600 },
    ],
  }));
  const catalogue = { venueId, hallId, resourceId, seatsEventId, poolEventId };
  writeFileSync(idsFile, `${JSON.stringify(catalogue, null, 2)}\n`);
  return catalogue;
}

/** Forgets an event that is sold out, so that the next `ensureDemoCatalogue` makes a new one. */
export function forgetEvent(idsFile: string, key: 'seatsEventId' | 'poolEventId'): void {
  const { [key]: _forgotten, ...rest } = readIds(idsFile);
  writeFileSync(idsFile, `${JSON.stringify(rest, null, 2)}\n`);
}

async function isUsable(admin: ApiClient, path: string): Promise<boolean> {
  try {
    const found = await admin.get<{ archived_at?: string | null; starts_at?: string }>(path);
    const isFarEnough = found.starts_at === undefined || Date.parse(found.starts_at) > Date.now() + SOONEST_MS;
    return isFarEnough && (found.archived_at ?? null) === null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

function timesIn(days: number, hourUtc: number, hours: number): { starts_at: string; ends_at: string } {
  const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS + days * DAY_MS;
  const starts = midnight + hourUtc * 3_600_000;
  return { starts_at: new Date(starts).toISOString(), ends_at: new Date(starts + hours * 3_600_000).toISOString() };
}

function nextChristmas(): string {
  const now = new Date();
  const year = now.getUTCMonth() === 11 && now.getUTCDate() > 25 ? now.getUTCFullYear() + 1 : now.getUTCFullYear();
  return `${year}-12-25`;
}

function readIds(file: string): Partial<Record<keyof DemoCatalogue, string>> {
  try {
    return existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<keyof DemoCatalogue, string>>)
      : {};
  } catch {
    return {};
  }
}
