import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { finding, sweep as sweepSchema } from '@holdfast/shared/contracts/reconciliation';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import Stripe from 'stripe';
import type { Checkout } from '../testing/booking-side.ts';
import { API_KEY, openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
/** Somebody who works at the provider without telling us: its dashboard, or a second program with our key. */
let stranger: Stripe;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
  const { hostname, port } = new URL(world.simulator.url);
  stranger = new Stripe(API_KEY, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
  // No callback arrives in this file.
  world.door.forwardTo(null);
}, 60_000);
afterAll(() => world.stop(), 30_000);

async function authorised(method = 'pm_card_visa'): Promise<Checkout> {
  const checkout = world.booking.checkout();
  await checkout.authorise(method);
  await checkout.answer('authorised');
  return checkout;
}

async function intentOf(checkout: Checkout): Promise<string> {
  const { rows } = await world.pool.query<{ provider_reference: string }>(
    'select provider_reference from payments where id = $1',
    [checkout.paymentId],
  );
  return rows[0]!.provider_reference;
}

describe('without a single callback', () => {
  test('every payment method comes to its end within two minutes', async () => {
    const methods = [
      'pm_card_visa',
      'pm_sim_webhook_never',
      'pm_sim_webhook_only_200',
      'pm_sim_timeout_applied',
      'pm_sim_500_applied',
      'pm_sim_late_success_1',
    ];
    const checkouts = methods.map(() => world.booking.checkout());
    await Promise.all(checkouts.map((checkout, index) => checkout.authorise(methods[index]!)));
    // The time that the provider needs for itself is over at once; then ours is moved by less than the two minutes.
    await until('every outcome at the provider', async () => {
      const effects = await Promise.all(checkouts.map((checkout) => world.effects(checkout)));
      return effects.every((kinds) => kinds.includes('authorised'));
    });
    await world.database.advanceClock(60_000);
    await Promise.all(checkouts.map((checkout) => checkout.answer('authorised')));
    await Promise.all(checkouts.map((checkout) => checkout.capture()));
    await Promise.all(checkouts.map((checkout) => checkout.answer('captured')));
    for (const checkout of checkouts)
      expect((await world.effects(checkout)).filter((kind) => kind === 'captured')).toHaveLength(1);
  });

  test('an authorisation that the provider gave up, or captured, is found within a minute', async () => {
    const [givenUp, taken] = [await authorised(), await authorised()];
    await stranger.paymentIntents.cancel(await intentOf(givenUp));
    await stranger.paymentIntents.capture(await intentOf(taken));
    await world.database.advanceClock(61_000);
    await givenUp.answer('voided');
    await taken.answer('captured');
    expect([givenUp.names(), taken.names()]).toEqual([
      ['authorised', 'voided'],
      ['authorised', 'captured'],
    ]);
  });
});

test("a sweep compares the provider's books with ours and lists what differs", async () => {
  const checkout = await authorised();
  await checkout.capture();
  await checkout.answer('captured');
  const reference = await intentOf(checkout);
  await stranger.refunds.create({ payment_intent: reference, amount: 700 });
  const unknown = await stranger.paymentIntents.create({
    amount: 900,
    currency: 'eur',
    payment_method: 'pm_card_visa',
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  });
  // What moved within the last minute is left alone.
  await world.database.advanceClock(61_000);

  const hour = 3_600_000;
  const window = { from: new Date(Date.now() - hour).toISOString(), to: new Date(Date.now() + hour).toISOString() };
  const asked = await post('sweeps', window);
  expect(asked.status).toBe(202);
  const location = asked.headers.get('location')!;
  const done = await until('the sweep to end', async () => {
    const now = sweepSchema.strict().parse(await (await world.get(service, location, operator)).json());
    return now.state === 'RUNNING' ? null : now;
  });
  expect(done).toMatchObject({ state: 'COMPLETE', found: 2, repaired: 0, requested_by: operator.userId });
  const open = async () => {
    const list = await (await get('findings?state=OPEN')).json();
    return (list as { data: unknown[] }).data.map((each) => finding.strict().parse(each));
  };
  const [stray, lost] = await open();
  expect(stray).toMatchObject({ kind: 'paid_there_not_here', provider_reference: unknown.id, amount_there: 900 });
  expect(lost).toMatchObject({
    kind: 'refund_missing',
    payment_id: checkout.paymentId,
    amount_here: 0,
    amount_there: 700,
  });
  expect(await open()).toHaveLength(2);

  // A person deals with one of them, once, and is named in the log.
  const reason = 'refunded at the desk, see ticket 7';
  const path = `findings/${lost!.id}/resolve`;
  const resolved = await post(path, { reason });
  expect(finding.strict().parse(await resolved.json())).toMatchObject({
    state: 'RESOLVED',
    resolution: { reason, resolved_by: operator.userId },
  });
  expect(await code(await post(path, { reason }))).toBe('finding_closed');
  const audit = await world.pool.query(
    `select actor, action, reason, before ->> 'state' as before, after ->> 'state' as after
       from audit_log where entity_kind = 'reconciliation_finding' and entity_id = $1`,
    [lost!.id],
  );
  expect(audit.rows).toEqual([
    { actor: operator.userId, action: 'resolve', reason, before: 'OPEN', after: 'RESOLVED' },
  ]);
  await expect(world.pool.query('delete from audit_log')).rejects.toMatchObject({ code: '23001' });

  // The next sweep still sees the difference, which has been dealt with; another difference is a new matter.
  const sweepAgain = async () => {
    const again = (await post('sweeps', window)).headers.get('location')!;
    await until('the sweep to end', async () => {
      const now = (await (await world.get(service, again, operator)).json()) as { state: string };
      return now.state !== 'RUNNING';
    });
  };
  await sweepAgain();
  expect((await open()).map(({ id }) => id)).toEqual([stray!.id]);
  await stranger.refunds.create({ payment_intent: reference, amount: 100 });
  await sweepAgain();
  expect((await open()).map(({ id }) => id)).toEqual([stray!.id, lost!.id]);
});

describe('paying back from a finding', () => {
  const reason = 'taken by a program that is not ours';
  const stray = async (amount: number) =>
    stranger.paymentIntents.create({
      amount,
      currency: 'eur',
      payment_method: 'pm_card_visa',
      confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
  const sweep = async () => {
    await world.database.advanceClock(61_000);
    const now = Date.now();
    const window = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 3_600_000).toISOString() };
    const location = (await post('sweeps', window)).headers.get('location')!;
    await until('the sweep to end', async () => {
      const asked = (await (await world.get(service, location, operator)).json()) as { state: string };
      return asked.state === 'COMPLETE';
    });
  };
  const findings = async () => {
    const list = (await (await get('findings?limit=100')).json()) as { data: unknown[] };
    return list.data.map((each) => finding.strict().parse(each));
  };
  const of = async (reference: string) => (await findings()).find((each) => each.provider_reference === reference)!;
  const refundsOf = async (reference: string) =>
    (await stranger.refunds.list({ payment_intent: reference })).data.map(({ amount }) => amount);

  test('sends all of it back once, however often it is asked for, and resolves the finding', async () => {
    const intent = await stray(1_300);
    await sweep();
    const found = await of(intent.id);
    const path = `findings/${found.id}/refund`;
    expect(await code(await post(path, { reason }))).toBe('idempotency_key_missing');
    const key = newId('req');
    const [first, again] = [await post(path, { reason }, operator, key), await post(path, { reason }, operator, key)];
    expect([first.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect(finding.strict().parse(await first.json()).refund).toMatchObject({
      ...{ status: 'PENDING', amount: 1_300, reason, requested_by: operator.userId },
    });
    expect(['finding_refund_under_way', 'finding_closed']).toContain(
      await code(await post(path, { reason }, operator, newId('req'))),
    );
    const done = await until('the refund', async () => {
      const now = await of(intent.id);
      return now.state === 'OPEN' ? null : now;
    });
    expect(done).toMatchObject({
      state: 'RESOLVED',
      refund: { status: 'SUCCEEDED', failure_reason: null },
      resolution: { reason, resolved_by: operator.userId },
    });
    expect(await refundsOf(intent.id)).toEqual([1_300]);
    const audit = await world.pool.query(
      `select actor, action, reason from audit_log where entity_kind = 'reconciliation_finding' and entity_id = $1`,
      [found.id],
    );
    expect(audit.rows).toEqual([{ actor: operator.userId, action: 'refund', reason }]);
    // The books agree about it now.
    await sweep();
    expect(await of(intent.id)).toMatchObject({ state: 'RESOLVED' });
    expect(await code(await post(path, { reason }, operator, newId('req')))).toBe('finding_closed');
  });

  test('is done by another process when the first one dies with the call made', async () => {
    const intent = await stray(1_400);
    await sweep();
    const path = `findings/${(await of(intent.id)).id}/refund`;
    await post(path, { reason }, operator, newId('req'));
    await until('the call', async () => (await refundsOf(intent.id)).length === 1);
    // As if the answer had been lost: the row says that nobody knows, and the turn of whoever called is over.
    await world.pool.query(
      `update finding_refunds
          set status = 'PENDING', provider_refund = null, tries = 1, due_at = clock.app_now(), locked_until = null
        where provider_reference = $1`,
      [intent.id],
    );
    await until('the refund', async () => (await of(intent.id)).refund?.status === 'SUCCEEDED');
    expect(await refundsOf(intent.id)).toEqual([1_400]);
  });

  test('tells when the provider refuses, stays open, and may be tried again', async () => {
    const intent = await stray(1_500);
    await sweep();
    // Somebody pays a part back at the provider in between: all of it cannot go back any more.
    await stranger.refunds.create({ payment_intent: intent.id, amount: 1_000 });
    const path = `findings/${(await of(intent.id)).id}/refund`;
    await post(path, { reason }, operator, newId('req'));
    const refused = await until('the refusal', async () => {
      const now = await of(intent.id);
      return now.refund?.status === 'FAILED' ? now : null;
    });
    expect(refused.state).toBe('OPEN');
    expect(refused.refund!.failure_reason).not.toBeNull();
    expect((await post(path, { reason }, operator, newId('req'))).status).toBe(202);
  });

  test('is refused for money of a payment of ours, and for what is no money', async () => {
    const checkout = await authorised();
    await checkout.capture();
    await checkout.answer('captured');
    const reference = await intentOf(checkout);
    const open = async (kind: string, of: string, amount: number) => {
      const { rows } = await world.pool.query<{ id: string }>(
        `insert into reconciliation_findings (kind, provider, provider_reference, payment_id, amount_there, currency, state, detail)
         values ($1, 'stripe', $2, $3, $4, 'EUR', 'OPEN', 'written by a test') returning id::text`,
        [kind, of, checkout.paymentId, amount],
      );
      return rows[0]!.id;
    };
    const refused = [
      await open('paid_there_not_here', reference, 4_500),
      await open('amount_differs', 'pi_of_nobody', 4_500),
      await open('duplicate_charge', 'pi_of_nobody_either', 0),
    ];
    for (const id of refused) {
      expect(await code(await post(`findings/${id}/refund`, { reason }, operator, newId('req')))).toBe(
        'finding_not_refundable',
      );
    }
    expect(await refundsOf(reference)).toEqual([]);
    const asCustomer = { userId: newId('usr'), role: 'customer' } as const;
    expect((await post(`findings/${refused[0]!}/refund`, { reason }, asCustomer, newId('req'))).status).toBe(403);
    expect(await code(await post('findings/123456/refund', { reason }, operator, newId('req')))).toBe('not_found');
    await world.pool.query(`delete from reconciliation_findings where detail = 'written by a test'`);
  });
});

describe('the routes of operators', () => {
  test.each([
    ['a window that ends before it begins', 'sweeps', { from: '2027-01-02T00:00:00Z', to: '2027-01-01T00:00:00Z' }],
    ['half a window', 'sweeps', { from: '2027-01-02T00:00:00Z' }],
    ['a window of two months', 'sweeps', { from: '2027-01-01T00:00:00Z', to: '2027-03-01T00:00:00Z' }],
    ['a reason that says nothing', 'findings/1/resolve', { reason: 'done' }],
  ])('refuse %s', async (_, path, body) => {
    expect(await code(await post(path, body))).toBe('validation_failed');
  });

  test.each(['findings/0', 'findings/x', 'findings/99999999999999999999', 'findings/123456'])(
    'know no %s',
    async (path) => {
      expect(await code(await post(`${path}/resolve`, { reason: 'nothing to see here' }))).toBe('not_found');
    },
  );

  test('are closed to customers and strangers', async () => {
    for (const path of ['findings', 'sweeps', 'sweeps/1']) {
      expect((await get(path, { userId: newId('usr'), role: 'customer' })).status).toBe(403);
      expect((await get(path, {})).status).toBe(401);
    }
    expect((await post('sweeps', {}, { userId: newId('usr'), role: 'customer' })).status).toBe(403);
    expect(await code(await get('findings?state=open'))).toBe('validation_failed');
    expect(await code(await get('findings?cursor=x'))).toBe('validation_failed');
  });

  test('make one sweep of one key', async () => {
    const key = newId('req');
    const answers = await Promise.all([1, 2, 3].map(() => post('sweeps', {}, operator, key)));
    expect(new Set(answers.map((answer) => answer.headers.get('location'))).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(2);
  });
});

const operator: Partial<Caller> = { userId: newId('usr'), role: 'operator' };
const get = (path: string, caller = operator) => world.get(service, `/v1/ops/reconciliation/${path}`, caller);
const post = (path: string, body: object, caller = operator, key: string | null = null) =>
  world.post(service, `/v1/ops/reconciliation/${path}`, { caller, key, body });
const code = async (response: Response) => ((await response.json()) as { code: string }).code;
