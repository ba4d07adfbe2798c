import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createMetrics } from '@holdfast/shared/telemetry/metrics';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { until } from '@holdfast/shared/testing/until';
import pg from 'pg';
import { pino } from 'pino';
import type { Channel, OutboundMessage } from '../channels/channel.ts';
import { createEvents } from '../events.ts';
import { aBooking } from '../testing/factories.ts';
import { DeliveryDriver } from './delivery-driver.ts';
import { LEASE_SECONDS } from './delivery-store.ts';

const logger = createLogger({ service: 'notification-test', level: 'silent' });

let database: TestDatabase;
let pool: Pool;
let drivers: DeliveryDriver[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = poolOf('test');
});
afterEach(async () => {
  await Promise.all(drivers.map((driver) => driver.stop()));
  drivers = [];
  await pool.query('delete from deliveries');
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

function poolOf(applicationName: string): Pool {
  return createPool({
    connectionString: database.url('notification'),
    schema: 'notification',
    applicationName,
    logger,
  });
}

/** A driver on a channel that keeps what it is given until it is let go. */
function startDriver({ renewMs, on = pool }: { renewMs: number; on?: Pool }) {
  const given: OutboundMessage[] = [];
  const hanging: (() => void)[] = [];
  const channel: Channel = {
    name: 'email',
    send: (message) =>
      new Promise((resolve) => {
        given.push(message);
        hanging.push(() => resolve({ outcome: 'accepted', providerMessageId: 'm' }));
      }),
    check: () => Promise.resolve('there'),
    close: () => undefined,
  };
  const warnings: string[] = [];
  const driver = new DeliveryDriver({
    pool: on,
    channel,
    logger: pino({ level: 'warn' }, { write: (line) => warnings.push(line) }),
    events: createEvents(createMetrics('notification-test'), logger),
    maxAttempts: 3,
    random: () => 0.5,
    onOutbox: () => undefined,
    intervalMs: 10,
    renewMs,
  });
  drivers.push(driver);
  driver.start();
  return {
    given,
    warnings,
    letGo: () => {
      for (const go of hanging.splice(0)) go();
    },
  };
}

async function insert(state: 'DUE' | 'SENDING', leaseSeconds = 0): Promise<string> {
  const booking = aBooking();
  const id = newId('dlv');
  const lease = state === 'SENDING' ? newId('att') : null;
  await pool.query(
    `insert into deliveries (id, event_id, booking_id, user_id, channel, recipient, kind, notice, state, attempts,
                             lease_id, lease_expires_at)
     values ($1, $2, $3, $4, 'email', $5, 'cancelled', $6, $7, $8, $9,
             case when $9::text is null then null else clock.app_now() + make_interval(secs => $10) end)`,
    [
      ...[id, newId('msg'), booking.booking_id, booking.user_id, booking.contact.email],
      ...[JSON.stringify({ ...booking, reason: 'plans have changed' }), state, lease ? 1 : 0, lease, leaseSeconds],
    ],
  );
  return id;
}

async function read(id: string): Promise<{ state: string; attempts: number; left: number | null }> {
  const { rows } = await pool.query<{ state: string; attempts: number; left: number | null }>(
    `select state, attempts, extract(epoch from lease_expires_at - clock.app_now())::float8 as left
       from deliveries where id = $1`,
    [id],
  );
  return rows[0]!;
}

describe('what is being sent', () => {
  test('stays with its sender for as long as the sending takes, and is sent once', async () => {
    const id = await insert('DUE');
    const slow = startDriver({ renewMs: 20 });
    await until('the message to be handed over', () => slow.given.length === 1);
    const other = startDriver({ renewMs: 20 });
    for (let leases = 0; leases < 4; leases += 1) {
      await database.advanceClock((LEASE_SECONDS - 10) * 1_000);
      await until('the lease to be renewed', async () => ((await read(id)).left ?? 0) > LEASE_SECONDS - 5);
    }
    slow.letGo();
    await until('the outcome', async () => (await read(id)).state === 'SENT');
    expect([(await read(id)).attempts, slow.given.length, other.given.length]).toEqual([1, 1, 0]);
  });

  test('is taken over when its sender renews nothing any more', async () => {
    const id = await insert('SENDING', LEASE_SECONDS);
    const driver = startDriver({ renewMs: 20 });
    await database.advanceClock(LEASE_SECONDS * 1_000 + 1);
    await until('the message to be taken over', () => driver.given.length === 1);
    driver.letGo();
    await until('the outcome', async () => (await read(id)).state === 'SENT');
    expect((await read(id)).attempts).toBe(2);
  });

  test('is not taken over right after the database was away: its sender could not renew either', async () => {
    const own = poolOf('cut-off');
    const driver = startDriver({ renewMs: 60_000, on: own });
    const elsewhere = new URL(database.adminUrl);
    elsewhere.pathname = '/postgres';
    const admin = new pg.Client({ connectionString: elsewhere.href });
    await admin.connect();
    const sessions = () => admin.query(`select pid from pg_stat_activity where application_name = 'cut-off'`);
    await until('a round of the driver', async () => (await sessions()).rowCount! > 0);
    await admin.query(`alter database ${database.name} allow_connections false`);
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut-off'`);
    await until('the driver to notice', () => driver.warnings.some((line) => line.includes('loop round failed')));
    await admin.query(`alter database ${database.name} allow_connections true`);
    await admin.end();
    const left = await insert('SENDING', -1);
    const due = await insert('DUE');

    await until('what is due to be handed over', () => driver.given.length > 0);
    driver.letGo();
    await until('the outcome', async () => (await read(due)).state === 'SENT');
    expect(driver.given.map(({ id }) => id)).toEqual([due]);
    expect(await read(left)).toMatchObject({ state: 'SENDING', attempts: 1 });
    await Promise.all(drivers.map((each) => each.stop()));
    await own.end();
  });
});
