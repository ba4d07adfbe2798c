import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import { until } from '@holdfast/shared/testing/until';
import { BOOKING_INVARIANTS } from '../../services/booking/src/integrity/booking-invariants.ts';
import { PAYMENT_INVARIANTS } from '../../services/payment/src/integrity/payment-invariants.ts';
import { createApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp } from '../support/customers.ts';
import { growTables, plannedScans, wholeScans, type Growth } from '../support/grow-tables.ts';
import { untilQuiet } from '../support/invariants.ts';
import { untilMail } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

// Tables of a house that has been open for years: what everybody waits for must not read them from end to end.
let stack: Stack;
const GROWN = 15_000;
const SERVICES = ['gateway', 'booking', 'payment', 'notification'] as const;
const SCHEMAS = ['identity', 'booking', 'payment', 'notification'] as const;

/** One table's copies differ in `id`, made of it and the number. */
const byId = (table: string, rows: number, more: Record<string, string> = {}): Growth => ({
  table,
  rows,
  differing: { id: `t.id || n`, ...more },
});
/** Claims that were given back, and live ones that stand elsewhere. */
const claims = (table: string, more: Record<string, string>): Growth => ({
  table,
  rows: 30_000,
  differing: { booking_id: 't.booking_id || n', released_at: 'clock.app_now()', ...more },
});

const GROWTHS: readonly Growth[] = [
  byId('booking.bookings', 30_000, {
    reference: `'OLD-' || n`,
    user_id: `'usr_' || n % 20000`,
    status: `case when n % 5 = 0 then 'CONFIRMED' else 'EXPIRED' end`,
    event_id: `case when t.event_id is null then null else 'evt_' || n % 1000 end`,
    resource_id: `case when t.resource_id is null then null else 'res_' || n % 1000 end`,
    created_at: `t.created_at - n * interval '1 minute'`,
  }),
  { table: 'booking.booking_history', rows: 30_000, differing: { booking_id: 't.booking_id || n' } },
  {
    table: 'booking.checkout_sagas',
    rows: 30_000,
    from: 'next_action_at is null and deadline_at is null',
    differing: { booking_id: 't.booking_id || n', payment_id: 't.payment_id || n' },
  },
  { table: 'booking.checkout_attempts', rows: 30_000, differing: { booking_id: 't.booking_id || n' } },
  byId('booking.tickets', 30_000, { booking_id: 't.booking_id || n' }),
  claims('booking.seat_claims', { event_id: `'evt_' || n % 1000` }),
  claims('booking.pool_claims', { event_id: `'evt_' || n % 1000` }),
  claims('booking.slot_claims', { resource_id: `'res_' || n % 1000` }),
  { table: 'booking.holders', rows: 30_000, differing: { user_id: 't.user_id || n' } },
  ...(['booking', 'payment'] as const).flatMap((schema): Growth[] => [
    {
      table: `${schema}.outbox`,
      rows: 30_000,
      from: 'published_at is not null',
      differing: { id: 't.id || n', ordering_key: 't.ordering_key || n', confirmed_at: 'clock.app_now()' },
    },
    { table: `${schema}.inbox`, rows: 30_000, differing: { event_id: 't.event_id || n' } },
    { table: `${schema}.inbox_positions`, rows: 30_000, differing: { ordering_key: 't.ordering_key || n' } },
  ]),
  { table: 'booking.idempotency_keys', rows: 30_000, differing: { key: 't.key || n' } },
  byId('payment.payments', 30_000, {
    booking_id: 't.booking_id || n',
    provider_reference: 't.provider_reference || n',
    looked_at: 'clock.app_now()',
  }),
  { table: 'payment.attempts', rows: 30_000, differing: { payment_id: 't.payment_id || n' } },
  {
    ...byId('payment.operations', 30_000, {
      payment_id: 't.payment_id || n',
      idempotency_key: 't.idempotency_key || n',
    }),
    from: `state = 'DONE'`,
  },
  {
    table: 'payment.provider_events',
    rows: 30_000,
    from: `state <> 'RECEIVED'`,
    differing: { event_id: 't.event_id || n', payment_id: 't.payment_id || n' },
  },
  {
    table: 'payment.ledger_entries',
    rows: 30_000,
    differing: { id: '1000000 + n', payment_id: 't.payment_id || n', provider_reference: 't.provider_reference || n' },
  },
  { ...byId('notification.deliveries', 30_000, { event_id: 't.event_id || n' }), from: `state = 'SENT'` },
  { table: 'notification.inbox', rows: 30_000, differing: { event_id: 't.event_id || n' } },
  { table: 'notification.inbox_positions', rows: 30_000, differing: { ordering_key: 't.ordering_key || n' } },
  byId('identity.users', 30_000, { email: `n || t.email`, role: `'customer'` }),
  byId('identity.sessions', 30_000, { user_id: 't.user_id || n' }),
  {
    table: 'identity.refresh_tokens',
    rows: 30_000,
    differing: {
      hash: 'sha256(n::text::bytea)',
      parent_hash: 'null',
      session_id: 't.session_id || n',
    },
  },
];

/** What customers and operators do all day. */
async function aDay(): Promise<void> {
  const [admin, ada] = await Promise.all([signInAdmin(stack), signUp(stack)]);
  const [seats, pool, net] = await Promise.all([
    makeSeatsEvent(admin.api),
    makePoolEvent(admin.api, { numbered: true }),
    makeResource(admin.api),
  ]);
  const times = halfHours(1);
  await Promise.all([
    ...[seats, pool].map((id) => ada.api.get(`/v1/events/${id}/availability`)),
    ada.api.get(`/v1/resources/${net}/availability?date=${times.starts_at.slice(0, 10)}`),
    ada.api.get('/v1/bookings'),
    admin.api.get('/v1/ops/attention'),
    admin.api.get('/v1/ops/outbox'),
    ...SERVICES.map((part) => createApiClient(stack.url(part)).get('/metrics')),
  ]);
  const booked = [
    await bookPatiently(ada.api, { event_id: seats, seats: ['A-1', 'A-2'] }),
    await bookPatiently(ada.api, { event_id: pool, quantity: 2 }),
    await bookPatiently(ada.api, { resource_id: net, ...times }),
  ];
  await untilMail(stack.url('mail'), ada.email, booked[0]!.reference);

  expect(
    (await ada.api.post(`/v1/bookings/${booked[0]!.id}/cancel`, { reason: 'it rains all day' })).status,
  ).toBeLessThan(300);
  const stateOf = async (id: string) => (await ada.api.get<BookingJson>(`/v1/bookings/${id}`)).body.status;
  await until('the refund', async () => (await stateOf(booked[0]!.id)) === 'REFUNDED', 30_000);

  const bob = await signUp(stack, 'Bob');
  const left = await bob.api.post<BookingJson>('/v1/bookings', { event_id: seats, seats: ['A-1', 'A-2'] });
  expect(left.status).toBe(201);
  await stack.database.advanceClock(1_801_000);
  const lapsed = async () => (await bob.api.get<BookingJson>(`/v1/bookings/${left.body.id}`)).body.status === 'EXPIRED';
  await until('the hold to run out', lapsed, 30_000);
}

/** No process of a service is connected any more: its counts of scans are in. */
async function stopServices(): Promise<void> {
  await Promise.all(SERVICES.map((part) => stack.process(part).kill()));
  await until('the sessions to end', async () => {
    const [row] = await query<{ sessions: number }>(
      stack,
      `select count(*)::int as sessions from pg_stat_activity
        where datname = current_database() and usename like 'holdfast\\_%' and usename <> current_user`,
    );
    return row!.sessions === 0;
  });
}

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  await aDay();
  await untilQuiet(stack);
  await stopServices();
  await growTables(stack.database.adminUrl, GROWTHS);
  // Those of the hour read everything on purpose, in their own time; so they have just been there.
  const invariants = { identity: [], notification: [], booking: BOOKING_INVARIANTS, payment: PAYMENT_INVARIANTS };
  for (const schema of SCHEMAS) {
    const names = [...invariants[schema], ...messagingInvariants(schema)].map(({ name }) => name);
    await query(stack, `delete from ${schema}.integrity_results`);
    await query(
      stack,
      `insert into ${schema}.integrity_results (invariant, status, last_run_at)
       select name, 'ok', clock.app_now() + interval '1 day' from unnest($1::text[]) as name`,
      [names],
    );
  }
}, 120_000);
afterAll(() => stack?.stop());

test('the checks of every minute find what they look for without reading a grown table from end to end', async () => {
  const checks = [
    ...SCHEMAS.flatMap((schema) => messagingInvariants(schema)),
    ...BOOKING_INVARIANTS,
    ...PAYMENT_INVARIANTS,
  ].filter(({ every }) => every === 'minute');
  expect(checks.length).toBeGreaterThan(10);
  for (const { name, sql } of checks) {
    expect([name, await plannedScans(stack.database.adminUrl, sql, GROWN)]).toEqual([name, []]);
  }
});

test('holding, paying, cancelling, lapsing and telling never read a grown table from end to end', async () => {
  const before = await wholeScans(stack.database.adminUrl, GROWN);
  await Promise.all(SERVICES.map((part) => stack.restart(part)));
  await aDay();
  await stopServices();
  const after = await wholeScans(stack.database.adminUrl, GROWN);
  const scans = Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) => (count > (before[name] ?? 0) ? [[name, count]] : [])),
  );
  expect(scans).toEqual({});
}, 120_000);
