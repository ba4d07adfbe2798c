import { auditRoutes } from '@holdfast/shared/audit/routes';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { availabilityRoutes } from '../availability/routes.ts';
import { eventRoutes } from '../catalogue/events/routes.ts';
import { hallImportRoutes } from '../catalogue/halls/import-routes.ts';
import { hallRoutes } from '../catalogue/halls/routes.ts';
import { resourceRoutes } from '../catalogue/resources/routes.ts';
import { undoRoutes } from '../catalogue/undo-routes.ts';
import { venueRoutes } from '../catalogue/venues/routes.ts';
import { serveAllRoutes, type HttpFixture } from './http-fixture.ts';

export type CatalogueKindName = 'venues' | 'resources' | 'halls' | 'events';

/** The catalogue behind HTTP, on a database of its own, with factories whose defaults are valid. */
export interface CatalogueFixture extends HttpFixture {
  readonly database: TestDatabase;
  readonly pool: Pool;
  /** Each creates an object through the API and returns its id. */
  venue(overrides?: object): Promise<string>;
  hall(overrides?: object): Promise<string>;
  resource(overrides?: object): Promise<string>;
  event(overrides?: object): Promise<string>;
  /** A new object of that kind with nothing but defaults; its id. */
  create(collection: CatalogueKindName): Promise<string>;
  /** How many rows the catalogue and its idempotency records have, for "nothing is left behind". */
  rowCount(): Promise<number>;
}

export const A_VENUE = { name: 'Lord’s', time_zone: 'Europe/London', currency: 'GBP' };
export const A_HALL = {
  name: 'Great hall',
  rows: [
    { row: 'A', seats: 3, category: 'premium', accessible: [1] },
    { row: 'B', seats: 2 },
  ],
};
export const A_RESOURCE = {
  name: 'Net 1',
  slot_minutes: 60,
  opening_hours: [{ day: 'mon', opens: '08:00', closes: '12:00' }],
  price_per_slot: { amount: 1200, currency: 'GBP' },
};
export const A_POOL = {
  name: 'Night ride',
  starts_at: '2030-01-04T18:00:00Z',
  ends_at: '2030-01-04T20:00:00Z',
  inventory: 'pool',
  capacity: 50,
  prices: [{ category: 'standard', amount: 1500 }],
};

export async function setupCatalogue(options: { quoting?: boolean } = {}): Promise<CatalogueFixture> {
  const database = await createTestDatabase();
  const logger = createLogger({ service: 'booking-test', level: 'silent' });
  const pool = createPool({
    connectionString: database.url('booking'),
    schema: 'booking',
    logger,
    applicationName: 'booking-test',
  });
  const deps = { pool, logger };
  const http = await serveAllRoutes(
    [hallImportRoutes(deps)],
    [
      availabilityRoutes(deps),
      venueRoutes(deps),
      resourceRoutes(deps),
      hallRoutes(deps),
      eventRoutes({ ...deps, quoting: options.quoting ?? true }),
      auditRoutes(pool, 'booking'),
      undoRoutes({ ...deps, quoting: options.quoting ?? true }),
    ],
  );
  const create = async (path: string, body: object): Promise<string> => {
    const reply = await http.post(path, body);
    if (reply.status !== 201) throw new Error(`${path}: ${reply.text}`);
    return reply.body.id;
  };
  const inVenue = async (overrides: object) =>
    'venue_id' in overrides ? overrides : { venue_id: await fixture.venue(), ...overrides };
  const fixture: CatalogueFixture = {
    ...http,
    database,
    pool,
    venue: (overrides = {}) => create('/v1/venues', { ...A_VENUE, ...overrides }),
    hall: async (overrides = {}) => create('/v1/halls', { ...A_HALL, ...(await inVenue(overrides)) }),
    resource: async (overrides = {}) => create('/v1/resources', { ...A_RESOURCE, ...(await inVenue(overrides)) }),
    event: async (overrides = {}) => create('/v1/events', { ...A_POOL, ...(await inVenue(overrides)) }),
    create(collection) {
      const creators = {
        venues: () => fixture.venue(),
        halls: () => fixture.hall(),
        resources: () => fixture.resource(),
        events: () => fixture.event(),
      };
      return creators[collection]();
    },
    async rowCount() {
      const { rows } = await pool.query<{ n: number }>(
        `select ((select count(*) from venues) + (select count(*) from resources) + (select count(*) from halls)
               + (select count(*) from events) + (select count(*) from idempotency_keys))::int as n`,
      );
      return rows[0]!.n;
    },
    async stop() {
      await http.stop();
      await pool.end();
      await database.drop();
    },
  };
  return fixture;
}
