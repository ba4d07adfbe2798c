import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { newId, type EventId, type HallId, type ResourceId, type UserId, type VenueId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { ReferenceNumbers } from '../holds/booking-reference.ts';
import { readHoldCommand, type HoldCommand } from '../holds/hold-command.ts';
import { settleHoldBatch, type HoldDeps, type HoldResult } from '../holds/settle-hold-batch.ts';
import { createHallLayouts } from '../inventory/hall-layout.ts';
import { readHallRows } from '../inventory/read-hall-rows.ts';
import { NO_FEE } from '../pricing/platform-fee-rules.ts';

export const HOLD_TIMES = { holdSeconds: 600, paymentExtensionSeconds: 900, holdMaxSeconds: 1800, offerSeconds: 3600 };
export const HOLD_LIMITS = { holdsPerUser: 5, placesPerBooking: 10, fee: NO_FEE };

/** A database of its own with the booking service's pool, and factories whose defaults are valid. */
export interface BookingFixture {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly holdDeps: HoldDeps;
  venue(options?: { timeZone?: string; currency?: string }): Promise<VenueId>;
  hall(options?: {
    rows?: { row: string; seats: number; category?: string; accessible?: number[] }[];
  }): Promise<HallId>;
  seatEvent(options?: {
    rows?: { row: string; seats: number; category?: string }[];
    amount?: number;
    startsInHours?: number;
    pricing?: 'list' | 'quoted';
    quoteFallback?: 'list' | 'refuse';
  }): Promise<EventId>;
  poolEvent(options?: {
    pricing?: 'list' | 'quoted';
    quoteFallback?: 'list' | 'refuse';
    capacity?: number;
    numbered?: boolean;
    amount?: number;
    startsInHours?: number;
  }): Promise<EventId>;
  resource(options?: { slotMinutes?: number; maxSlots?: number | null }): Promise<ResourceId>;
  /** Settles commands as one batch, in order. */
  settle(...commands: HoldCommand[]): Promise<HoldResult[]>;
  /** Every row that a hold leaves, counted: for "nothing is left behind". */
  footprint(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

export async function setupBooking(): Promise<BookingFixture> {
  const database = await createTestDatabase();
  const pool = createPool({
    connectionString: database.url('booking'),
    schema: 'booking',
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
    applicationName: 'booking-test',
  });
  const holdDeps: HoldDeps = {
    pool,
    layouts: createHallLayouts(readHallRows),
    references: new ReferenceNumbers(),
    times: HOLD_TIMES,
    limits: HOLD_LIMITS,
  };
  const insert = async (table: string, row: Record<string, unknown>) => {
    const columns = Object.keys(row);
    await pool.query(
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(row),
    );
  };
  const fixture: BookingFixture = {
    database,
    pool,
    holdDeps,
    async venue(options = {}) {
      const id = newId('ven');
      await insert('venues', {
        id,
        name: 'Lord’s',
        time_zone: options.timeZone ?? 'UTC',
        currency: options.currency ?? 'EUR',
      });
      return id;
    },
    async hall(options = {}) {
      const id = newId('hal');
      const rows = (options.rows ?? [{ row: 'A', seats: 10 }]).map((row) => ({
        category: 'standard',
        accessible: [],
        ...row,
      }));
      const seats = rows.reduce((sum, row) => sum + row.seats, 0);
      await insert('halls', {
        id,
        venue_id: await fixture.venue(),
        name: 'Great hall',
        rows: JSON.stringify(rows),
        seat_count: seats,
      });
      return id;
    },
    async seatEvent(options = {}) {
      const hallId = await fixture.hall(options.rows ? { rows: options.rows } : {});
      const { rows } = await pool.query<{ venue_id: VenueId; seat_count: number; rows: { category: string }[] }>(
        'select venue_id, seat_count, rows from halls where id = $1',
        [hallId],
      );
      const categories = [...new Set(rows[0]!.rows.map(({ category }) => category))];
      const id = newId('evt');
      await insert('events', {
        id,
        venue_id: rows[0]!.venue_id,
        name: 'Hamlet',
        ...times(options.startsInHours ?? 72),
        inventory: 'seats',
        hall_id: hallId,
        hall_version: 1,
        capacity: rows[0]!.seat_count,
        prices: JSON.stringify(categories.map((category) => ({ category, amount: options.amount ?? 4500 }))),
        ...pricingOf(options),
      });
      return id;
    },
    async poolEvent(options = {}) {
      const id = newId('evt');
      await insert('events', {
        id,
        venue_id: await fixture.venue(),
        name: 'Night ride',
        ...times(options.startsInHours ?? 72),
        inventory: 'pool',
        capacity: options.capacity ?? 50,
        numbered: options.numbered ?? false,
        prices: JSON.stringify([{ category: 'standard', amount: options.amount ?? 1500 }]),
        ...pricingOf(options),
      });
      return id;
    },
    async resource(options = {}) {
      const id = newId('res');
      await insert('resources', {
        id,
        venue_id: await fixture.venue(),
        name: 'Net 1',
        slot_minutes: options.slotMinutes ?? 30,
        min_slots: 1,
        max_slots: options.maxSlots ?? null,
        opening_hours: JSON.stringify(
          ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => ({ day, opens: '00:00', closes: '24:00' })),
        ),
        price_per_slot: 1200,
      });
      return id;
    },
    settle: (...commands) => settleHoldBatch(holdDeps, commands),
    async footprint() {
      const tables = [
        'bookings',
        'booking_history',
        'seat_claims',
        'slot_claims',
        'pool_claims',
        'pool_places',
        'outbox',
        'idempotency_keys',
      ];
      const counts = await Promise.all(
        tables.map((table) => pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)),
      );
      return Object.fromEntries(tables.map((table, index) => [table, counts[index]!.rows[0]!.n]));
    },
    async stop() {
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}

function pricingOf({ pricing, quoteFallback }: { pricing?: 'list' | 'quoted'; quoteFallback?: 'list' | 'refuse' }) {
  return { pricing: pricing ?? 'list', quote_fallback: quoteFallback ?? 'refuse' };
}

function times(startsInHours: number): { starts_at: Date; ends_at: Date } {
  const start = Date.now() + startsInHours * 3_600_000;
  return { starts_at: new Date(start), ends_at: new Date(start + 2 * 3_600_000) };
}

/** A customer of whom nobody has heard. */
export function aCustomer(userId: UserId = newId('usr')): SignedInCaller {
  return {
    userId,
    role: 'customer',
    email: 'ada@example.org',
    name: 'Ada',
    address: '127.0.0.1',
    requestId: newId('req'),
    traceparent: '00-00000000000000000000000000000001-0000000000000001-00',
  };
}

/** A hold command as it comes from the HTTP border; a new customer and a new key unless given. */
export function aHold(body: object, options: { caller?: SignedInCaller; key?: string } = {}): HoldCommand {
  return readHoldCommand(options.caller ?? aCustomer(), options.key ?? newId('req'), body);
}

/** Tomorrow at 10:00 UTC and `slots` half hours later, on everybody's grid. */
export function aSlot(slots = 1, offsetSlots = 0): { starts_at: string; ends_at: string } {
  const base = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 10 * 3_600_000 + offsetSlots * 1_800_000;
  return { starts_at: new Date(base).toISOString(), ends_at: new Date(base + slots * 1_800_000).toISOString() };
}
