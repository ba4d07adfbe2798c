import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { integrityAttention } from '@holdfast/shared/attention/integrity-attention';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import pg from 'pg';
import { Registry } from 'prom-client';
import { aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { BOOKING_INVARIANTS } from './booking-invariants.ts';

let fixture: BookingFixture;
let admin: pg.Client;
let auditor: Auditor;
const registry = new Registry();
const INVARIANTS = [...BOOKING_INVARIANTS, ...messagingInvariants('booking')];

beforeAll(async () => {
  fixture = await setupBooking();
  const { pool } = fixture;
  auditor = new Auditor({
    ...{ service: 'booking', invariants: INVARIANTS, pool, registry },
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
  });
  admin = new pg.Client({ connectionString: fixture.database.adminUrl });
  await admin.connect();
  const [seats, places, net] = [
    await fixture.seatEvent(),
    await fixture.poolEvent({ numbered: true }),
    await fixture.resource(),
  ];
  for (const i of [0, 1]) {
    await fixture.settle(
      aHold({ event_id: seats, seats: [`A-${i + 1}`] }),
      aHold({ event_id: places, quantity: 2 }),
      aHold({ resource_id: net, ...aSlot(1, i) }),
    );
  }
}, 60_000);
afterAll(async () => {
  await admin?.end();
  await fixture?.stop();
});

const of = (inventory: string, order = 'asc') =>
  `(select id from booking.bookings where inventory = '${inventory}' order by id ${order} limit 1)`;
const OLD = `clock.app_now() - interval '1 day'`;

/** What the statements of the invariants find now, by name; `damage` is done and undone in one transaction. */
async function violatedBy(damage: string): Promise<string[]> {
  await admin.query('begin');
  try {
    // Triggers and foreign keys are off, as for a bug that found a way around them.
    await admin.query(`set local session_replication_role = replica; ${damage}`);
    const violated: string[] = [];
    for (const { name, sql } of INVARIANTS) {
      const { rowCount } = await admin.query(sql);
      if (rowCount !== 0) violated.push(name);
    }
    return violated;
  } finally {
    await admin.query('rollback');
  }
}

test('a healthy database violates nothing, and holds were made in it', async () => {
  const { rows } = await fixture.pool.query('select count(*)::int as live from bookings where status = $1', ['HELD']);
  expect(rows).toEqual([{ live: 6 }]);
  expect(await violatedBy('select 1')).toEqual([]);
});

const DAMAGE: Readonly<Record<string, string>> = {
  moved_with_its_event: `update booking.bookings set starts_at = starts_at - interval '1 hour' where id = ${of('seats')}`,
  search_follows_catalogue: `delete from booking.search_entries`,
  seat_claimed_once: `drop index booking.seat_claims_one_live; update booking.seat_claims set seat = 'A-1'`,
  slot_claims_apart: `alter table booking.slot_claims drop constraint slot_claims_never_overlap;
    update booking.slot_claims set during = (select during from booking.slot_claims order by booking_id limit 1)`,
  pool_counter: `update booking.events set claimed = claimed + 1 where inventory = 'pool'`,
  pool_numbers_per_booking: `update booking.pool_claims set quantity = 3 where booking_id = ${of('pool')}`,
  pool_numbers_given_or_free: `update booking.events set places_given = places_given + 1 where inventory = 'pool'`,
  claims_of_live_bookings: `update booking.bookings set status = 'EXPIRED' where id = ${of('seats')}`,
  live_bookings_claim: `update booking.slot_claims set released_at = clock.app_now() where booking_id = ${of('slots')}`,
  booked_when_paid: `update booking.seat_claims set state = 'BOOKED' where booking_id = ${of('seats')}`,
  history_is_legal: `update booking.booking_history set from_status = 'PAID' where booking_id = ${of('seats')}`,
  history_ends_in_state: `update booking.bookings set status = 'PAID' where id = ${of('seats')}`,
  waiting_is_counted: `update booking.events set waiting = 1 where inventory = 'seats'`,
  waitlist_follows_booking: `
    insert into booking.waitlist_entries (id, booking_id, user_id, event_id, quantity, min_quantity, created_at, updated_at)
    select 'wtl_x', id, user_id, event_id, 2, 2, created_at, created_at from booking.bookings where id = ${of('pool')}`,
  one_offer_per_wait: `insert into booking.outbox (id, subject, ordering_key, family, seq, payload)
    select 'msg_' || n, 'booking.booking.00.offered', ${of('pool')}, 'booking', n, '{}' from generate_series(1, 2) n`,
  changes_are_told: `delete from booking.outbox where ordering_key = ${of('seats')}`,
  holds_end: `update booking.bookings set hold_expires_at = ${OLD} where id = ${of('slots')}`,
  checkouts_end: `
    insert into booking.checkout_sagas (booking_id, payment_id, payment_method, state, attempt, next_action_at, created_at, updated_at)
    values (${of('slots')}, 'pay_x', 'pm_x', 'AUTHORISING', 1, ${OLD}, ${OLD}, ${OLD})`,
  standing_is_paid: `update booking.bookings set status = 'CONFIRMED' where id = ${of('seats')}`,
  outbox_published: `update booking.outbox set available_at = ${OLD}`,
  outbox_delivered: `update booking.outbox set published_at = ${OLD}`,
  outbox_sequence: `insert into booking.outbox (id, subject, ordering_key, family, seq, payload)
    select 'msg_x', 'booking.hold.00.x', ordering_key, family, seq + 2, '{}' from booking.outbox limit 1`,
  inbox_parked_waits: `
    insert into booking.inbox_positions (consumer, ordering_key, family, last_seq) values ('c', 'k', 'f', 3);
    insert into booking.inbox_parked (consumer, ordering_key, family, seq, event_id, subject, payload)
    values ('c', 'k', 'f', 3, 'e', 's', '{}')`,
};

test('each invariant has its damage', () => {
  expect(Object.keys(DAMAGE).sort()).toEqual(INVARIANTS.map(({ name }) => name).sort());
});

test.each(Object.entries(DAMAGE))('damage is seen by %s', async (name, damage) => {
  expect(await violatedBy(damage)).toContain(name);
});

test('results are stored with what was found and since when, and are shown in metrics and in the attention list', async () => {
  const counter = async () => (await auditor.results()).invariants.find(({ name }) => name === 'pool_counter')!;
  const kinds = async () => (await integrityAttention('booking')(fixture.pool)).items.map(({ id }) => id);
  expect(await counter()).toMatchObject({ status: 'pending', last_run_at: null });
  expect(await auditor.runAll()).toHaveLength(INVARIANTS.length);
  expect(await counter()).toMatchObject({ status: 'ok', violations: 0, examples: [], error: null });
  expect(await kinds()).toEqual([]);

  await admin.query(`update booking.events set claimed = claimed + 1 where inventory = 'pool'`);
  // What is not due is left alone.
  expect(await auditor.runDue()).toEqual([]);
  const { invariants, running } = await auditor.runOnDemand(60_000);
  expect(running).toBe(false);
  expect(invariants.filter(({ status }) => status === 'violated').map(({ name }) => name)).toEqual(['pool_counter']);
  const found = await counter();
  expect(found).toMatchObject({ violations: 1, examples: [{ claimed: 5, claims: 4 }] });
  expect(await registry.metrics()).toContain('holdfast_integrity_violations{invariant="pool_counter"} 1');

  await fixture.database.advanceClock(61_000);
  // What is broken is due again sooner than in an hour.
  expect(await auditor.runDue()).toContain('pool_counter');
  expect((await counter()).violated_since).toBe(found.violated_since);
  expect(await kinds()).toContain('pool_counter');

  await admin.query(`update booking.events set claimed = claimed - 1 where inventory = 'pool'`);
  await auditor.runAll();
  expect(await counter()).toMatchObject({ status: 'ok', violations: 0, violated_since: null });
  expect(await kinds()).not.toContain('pool_counter');
});

test('a check that another replica has claimed is left to it until its turn runs out', async () => {
  await fixture.pool.query(`update integrity_results set claimed_until = clock.app_now() + interval '60 seconds'`);
  expect(await auditor.runAll()).toEqual([]);
  await fixture.database.advanceClock(61_000);
  expect(await auditor.runAll()).toHaveLength(INVARIANTS.length);
});

test('a check that cannot be made has failed, and is not fine', async () => {
  const broken = new Auditor({
    service: 'booking',
    invariants: [{ name: 'broken', description: 'for a test', every: 'minute', sql: 'select 1 / 0 as x' }],
    pool: fixture.pool,
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
  });
  await broken.runAll();
  expect((await broken.results()).invariants).toMatchObject([
    { name: 'broken', status: 'failed', error: 'division by zero' },
  ]);
  expect((await integrityAttention('booking')(fixture.pool)).items.map(({ id }) => id)).toContain('broken');
});
