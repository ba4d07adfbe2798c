import { Temporal } from 'temporal-polyfill';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { isId } from '@holdfast/shared/ids';
import { toMoneyJson, type MoneyJson } from '@holdfast/shared/money';
import { slotsOfDate } from '../inventory/slot-grid.ts';
import { readSlotInventory } from './availability-store.ts';

const DAY_MS = 86_400_000;

export interface SlotJson {
  readonly starts_at: string;
  readonly ends_at: string;
  readonly status: 'AVAILABLE' | 'LOCKED' | 'BOOKED' | 'PAST';
  readonly price: MoneyJson;
}

export interface ResourceAvailability {
  readonly resource_id: string;
  readonly time_zone: string;
  readonly slots: SlotJson[];
}

/**
 * The slots of a resource on `days` local dates from `date` (`YYYY-MM-DD`), each with its status: PAST once it has begun, whoever
 * had it. Null for an unknown or malformed id.
 */
export async function readResourceAvailability(
  db: Queryable,
  id: string,
  { date, days }: { date: string; days: number },
): Promise<ResourceAvailability | null> {
  if (!isId('res', id)) return null;
  // No zone is more than a day away from UTC.
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const row = await readSlotInventory(db, id, new Date(midnight - DAY_MS), new Date(midnight + (days + 1) * DAY_MS));
  if (!row) return null;

  const rules = {
    timeZone: row.time_zone,
    slotMinutes: row.slot_minutes,
    minSlots: row.min_slots,
    maxSlots: row.max_slots,
    openingHours: row.opening_hours,
    exceptions: row.exceptions,
  };
  const price = toMoneyJson({ amount: row.price_per_slot, currency: row.currency });
  const firstDate = Temporal.PlainDate.from(date);
  const slots: SlotJson[] = [];
  for (let day = 0; day < days; day++) {
    for (const { startsAt, endsAt } of slotsOfDate(rules, firstDate.add({ days: day }).toString())) {
      const [from, to] = [startsAt.getTime(), endsAt.getTime()];
      const claims = row.claims.filter((claim) => claim.from < to && from < claim.to);
      slots.push({
        starts_at: startsAt.toISOString(),
        ends_at: endsAt.toISOString(),
        status: from <= row.now.getTime() ? 'PAST' : statusOf(claims),
        price,
      });
    }
  }
  return { resource_id: id, time_zone: row.time_zone, slots };
}

function statusOf(claims: readonly { state: 'LOCKED' | 'BOOKED' }[]): 'AVAILABLE' | 'LOCKED' | 'BOOKED' {
  if (claims.some((claim) => claim.state === 'BOOKED')) return 'BOOKED';
  return claims.length > 0 ? 'LOCKED' : 'AVAILABLE';
}
