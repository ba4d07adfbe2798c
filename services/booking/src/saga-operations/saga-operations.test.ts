import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { saga as sagaSchema } from '@holdfast/shared/contracts/sagas';
import { attentionRoutes } from '@holdfast/shared/attention/attention-routes';
import { messagingAttention } from '@holdfast/shared/attention/messaging-attention';
import { newId } from '@holdfast/shared/ids';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { serveRoutes, type HttpFixture } from '../testing/http-fixture.ts';
import { sagaRoutes } from './routes.ts';
import { sagaAttention } from './saga-attention.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  const { pool } = booking;
  http = await serveRoutes(
    sagaRoutes({ pool, watch: checkout.watch, onCommit }),
    auditRoutes(pool, 'booking'),
    attentionRoutes(pool, [sagaAttention, messagingAttention('booking', { consumes: true })]),
  );
});
afterEach(() => booking.database.setClockOffset(0));
afterAll(async () => {
  await http?.stop();
  await booking?.stop();
});

const REASON = 'looked at with the provider';
const act = (held: Held, verb: string, body: object, options: { as?: 'operator' | 'customer' } = {}) =>
  http.post(`/v1/ops/sagas/${held.id}/${verb}`, body, { as: 'operator', ...options });

async function paying(): Promise<Held> {
  const held = await checkout.hold();
  await checkout.pay(held);
  return held;
}

async function stuck(): Promise<Held> {
  const held = await paying();
  await checkout.tell(held, 'captured', { money: { amount: 1n, currency: 'EUR' } });
  return held;
}

describe('what operators see', () => {
  test('one saga, as the contract describes it', async () => {
    const held = await stuck();
    const { status, body } = await http.get(`/v1/ops/sagas/${held.id}`, { as: 'operator' });
    expect(status).toBe(200);
    expect(sagaSchema.strict().parse(body)).toMatchObject({
      ...{ id: held.id, state: 'STUCK', stuck: true, stuck_in: 'AUTHORISING', booking_status: 'PAYMENT_INITIATED' },
      ...{ reason: 'the payment service says captured of 1 EUR, the price is 9000 EUR', tries: 0, attempt: 1 },
    });
  });

  test('those that are stuck or late apart from those that go on, page by page', async () => {
    const [bad, late, fine] = [await stuck(), await paying(), await paying()];
    await booking.pool.query(
      `update checkout_sagas set deadline_at = clock.app_now() - interval '1 second' where booking_id = $1`,
      [late.id],
    );
    const idsOf = async (query: string) => {
      const ids: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await http.get(`/v1/ops/sagas?limit=2${query}${cursor && `&cursor=${cursor}`}`, { as: 'admin' });
        expect(page.status).toBe(200);
        ids.push(...page.body.data.map(({ id }) => id));
        cursor = page.body.next_cursor;
      }
      expect(new Set(ids).size).toBe(ids.length);
      return ids;
    };
    const needy = await idsOf('&stuck=true');
    expect(needy).toEqual(expect.arrayContaining([bad.id, late.id]));
    expect(needy).not.toContain(fine.id);
    expect(await idsOf('&stuck=false')).toContain(fine.id);
    expect(await idsOf('&state=STUCK')).not.toContain(late.id);
  });

  test.each([
    ['?state=LOST', 422],
    ['?stuck=maybe', 422],
    ['?limit=0', 422],
    ['?cursor=x', 422],
    ['?more=1', 422],
    [`/${newId('bkg')}`, 404],
    ['/bkg_1', 404],
  ])('a question that makes no sense is refused: %s', async (query, status) => {
    expect((await http.get(`/v1/ops/sagas${query}`, { as: 'operator' })).status).toBe(status);
  });

  test('customers see none of it and change nothing', async () => {
    const held = await stuck();
    expect((await http.get('/v1/ops/sagas', { as: 'customer' })).status).toBe(403);
    expect((await http.get(`/v1/ops/sagas/${held.id}`, { as: 'customer' })).status).toBe(403);
    for (const verb of ['retry', 'compensate', 'resolve']) {
      const body = verb === 'retry' ? {} : { reason: REASON, ...(verb === 'resolve' ? { outcome: 'closed' } : {}) };
      expect((await act(held, verb, body, { as: 'customer' })).status).toBe(403);
    }
    expect((await checkout.state(held)).saga).toBe('STUCK');
  });

  test.each([
    ['compensate', {}, '/reason'],
    ['compensate', { reason: 'short' }, '/reason'],
    ['resolve', { reason: REASON }, '/outcome'],
    ['resolve', { reason: REASON, outcome: 'confirmed' }, '/outcome'],
    ['retry', { now: true }, '/now'],
  ])('%s with %j is refused and changes nothing', async (verb, body, pointer) => {
    const held = await stuck();
    const answer = await act(held, verb, body);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([422, pointer]);
    expect((await checkout.state(held)).saga).toBe('STUCK');
  });
});

describe('retry', () => {
  test('asks at once for what is awaited', async () => {
    const held = await paying();
    expect((await act(held, 'retry', {})).body).toMatchObject({ state: 'AUTHORISING', tries: 1 });
    expect((await checkout.state(held)).messages).toEqual(['authorisation_requested', 'authorisation_requested']);
  });

  test('takes a stuck one back to where it was, and what is right by then goes on', async () => {
    const held = await stuck();
    expect((await act(held, 'retry', {})).body).toMatchObject({ state: 'AUTHORISING', stuck: false, reason: null });
    await checkout.tell(held, 'captured', { money: { amount: 9000n, currency: 'EUR' } });
    expect((await checkout.state(held)).status).toBe('CONFIRMED');
  });

  test('of one that waits for nothing, or whose booking has ended meanwhile, is refused', async () => {
    const done = await paying();
    await checkout.tell(done, 'captured');
    expect((await act(done, 'retry', {})).body.code).toBe('saga_not_retryable');
    const expired = await stuck();
    await checkout.expireEverything();
    expect((await act(expired, 'retry', {})).body.code).toBe('saga_not_retryable');
  });

  test('with one key is one retry', async () => {
    const held = await paying();
    const headers = { 'idempotency-key': newId('req') };
    const [first, second] = [
      await http.post(`/v1/ops/sagas/${held.id}/retry`, {}, { as: 'operator', headers }),
      await http.post(`/v1/ops/sagas/${held.id}/retry`, {}, { as: 'operator', headers }),
    ];
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await checkout.state(held)).messages).toHaveLength(2);
  });
});

describe('compensate', () => {
  test.each(['AUTHORISING', 'CAPTURING', 'STUCK'] as const)(
    'in %s fails the booking, frees its places and voids',
    async (state) => {
      const held = state === 'STUCK' ? await stuck() : await paying();
      if (state === 'CAPTURING') await checkout.tell(held, 'authorised');
      const { status, body } = await act(held, 'compensate', { reason: REASON });
      expect([status, body]).toMatchObject([200, { state: 'VOIDING', booking_status: 'FAILED' }]);
      expect(await checkout.state(held)).toMatchObject({ status: 'FAILED', live: 0 });
      // Money that was taken all the same goes back.
      await checkout.tell(held, 'captured');
      expect((await checkout.state(held)).saga).toBe('REFUNDING');
    },
  );

  test('of an expired one voids for good; its money takes no places any more', async () => {
    const held = await paying();
    await checkout.expireEverything();
    expect((await act(held, 'compensate', { reason: REASON })).body).toMatchObject({ booking_status: 'EXPIRED' });
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDING', live: 0 });
  });

  test('of one that stands, or is being taken back, is refused', async () => {
    const standing = await paying();
    await checkout.tell(standing, 'captured');
    expect((await act(standing, 'compensate', { reason: REASON })).body.code).toBe('saga_not_compensable');
    expect((await checkout.state(standing)).status).toBe('CONFIRMED');
    const going = await paying();
    await checkout.cancel(going);
    expect((await act(going, 'compensate', { reason: REASON })).body.code).toBe('saga_not_compensable');
  });
});

describe('resolve', () => {
  test.each([
    ['voided', 'VOIDED', 'FAILED'],
    ['refunded', 'REFUNDED', 'REFUNDED'],
    ['closed', 'CLOSED', 'FAILED'],
  ])('as %s ends a stuck one as %s, its booking as %s with free places', async (outcome, state, status) => {
    const held = await stuck();
    const answer = await act(held, 'resolve', { reason: REASON, outcome });
    expect(answer.body).toMatchObject({ state, booking_status: status, stuck: false, next_action_at: null });
    expect(await checkout.state(held)).toMatchObject({ status, live: 0, saga: state });
  });

  test('of one that is still under way is refused', async () => {
    const held = await paying();
    const answer = await act(held, 'resolve', { reason: REASON, outcome: 'closed' });
    expect([answer.status, answer.body.code]).toEqual([409, 'saga_not_resolvable']);
  });
});

test('each of it is in the audit log, with who, why, before and after', async () => {
  const held = await stuck();
  await act(held, 'retry', {});
  await act(held, 'compensate', { reason: REASON });
  await act(held, 'resolve', { reason: REASON, outcome: 'voided' });
  const { body } = await http.get(`/internal/audit?entity=${held.id}`, { as: 'operator' });
  expect(body.data).toMatchObject([
    { action: 'resolve', reason: `voided: ${REASON}`, before: { state: 'VOIDING' }, after: { state: 'VOIDED' } },
    { action: 'compensate', reason: REASON, before: { state: 'AUTHORISING' }, after: { state: 'VOIDING' } },
    { action: 'retry', reason: null, before: { state: 'STUCK' }, after: { state: 'AUTHORISING' } },
  ]);
});

describe('the attention list of the service', () => {
  const attention = async () =>
    (await http.get('/internal/attention', { as: 'operator' })).body as unknown as {
      items: { kind: string; booking_id: string | null; detail: string; since: string }[];
      counts: Record<string, number>;
    };

  test('has what is stuck with its reason, and compensation from ten minutes on', async () => {
    const [bad, late] = [await stuck(), await paying()];
    await checkout.cancel(late);
    const about = async (held: Held) => (await attention()).items.filter(({ booking_id }) => booking_id === held.id);
    expect(await about(bad)).toMatchObject([{ kind: 'saga_stuck', detail: expect.stringContaining('the price is') }]);
    await booking.database.advanceClock(599_000);
    expect(await about(late)).toEqual([]);
    await booking.database.advanceClock(2_000);
    expect(await about(late)).toMatchObject([{ kind: 'saga_overdue', detail: expect.stringContaining('VOIDING') }]);
    const { items, counts } = await attention();
    expect(items.filter(({ kind }) => kind === 'saga_overdue')).toHaveLength(counts['saga_overdue']!);
    expect(items.map(({ since }) => since)).toEqual(items.map(({ since }) => since).sort());
  });

  test('has dead letters that are open, and an outbox that nobody sends', async () => {
    // Nothing publishes in this test, so whatever was written before is late by now.
    await booking.database.advanceClock(11_000);
    const letter = newId('dlq');
    const held = await paying();
    await booking.pool.query(
      `insert into dead_letters (id, consumer, event_id, subject, ordering_key, payload, attempts, cause, error)
       values ($1, 'booking-payment', $1, 's', $2, '{}', 10, 'permanent', 'Error: no luck')`,
      [letter, held.id],
    );
    const { items, counts } = await attention();
    expect(items.find(({ kind }) => kind === 'dead_letter')).toMatchObject({
      id: letter,
      booking_id: held.id,
      detail: 'booking-payment: permanent: Error: no luck',
    });
    expect(counts).toMatchObject({ dead_letter: 1, outbox_delayed: expect.any(Number) });
    await booking.pool.query(`update dead_letters set state = 'DISCARDED'`);
    expect((await attention()).counts).not.toHaveProperty('dead_letter');
  });
});
