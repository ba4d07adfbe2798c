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
