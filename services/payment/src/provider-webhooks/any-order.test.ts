import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { newId, type PaymentId } from '@holdfast/shared/ids';
import fc from 'fast-check';
import { saveIntent } from '../payments/save-intent.ts';
import { openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { applyStored, WebhookApplier } from './apply-webhook.ts';
import { insertWebhook, type StoredWebhook } from './webhook-store.ts';

/** Stored callbacks over the real tables: whatever the order, the number and the repetition, one end and one posting of each. */

let bench: OperationsBench;
beforeAll(async () => {
  bench = await openOperationsBench();
}, 30_000);
afterAll(() => bench.close());

interface Callback {
  readonly type: string;
  readonly object: object;
}

const intent = (status: string, change: object = {}): object => ({
  id: 'pi_any_order',
  object: 'payment_intent',
  status,
  amount: 4_500,
  amount_capturable: 0,
  amount_received: 0,
  currency: 'eur',
  metadata: {},
  ...change,
});
const created: Callback = { type: 'payment_intent.created', object: intent('requires_payment_method') };
const requiresAction: Callback = {
  type: 'payment_intent.requires_action',
  object: intent('requires_action', { next_action: { redirect_to_url: { url: 'https://provider.test/3ds' } } }),
};
const processing: Callback = { type: 'payment_intent.processing', object: intent('processing') };
const authorised: Callback = {
  type: 'payment_intent.amount_capturable_updated',
  object: intent('requires_capture', { amount_capturable: 4_500 }),
};
const succeeded: Callback = {
  type: 'payment_intent.succeeded',
  object: intent('succeeded', { amount_received: 4_500 }),
};
const canceled: Callback = { type: 'payment_intent.canceled', object: intent('canceled') };
const failed: Callback = {
  type: 'payment_intent.payment_failed',
  object: intent('requires_payment_method', {
    last_payment_error: { code: 'card_declined', decline_code: 'generic_decline', charge: 'ch_1' },
  }),
};

/** Every order of the items; two orders that differ only in which of two equal items comes first are one. */
function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    items.indexOf(item) < index ? [] : permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** A payment whose confirmation was never answered: callbacks alone tell of it. */
async function unanswered(): Promise<PaymentId> {
  // The intent's name is taken from the payment that had it before.
  await bench.pool.query(`update payments set provider_reference = id where provider_reference = 'pi_any_order'`);
  const payment = bench.payment();
  await payment.authorise();
  await withTransaction(bench.pool, (tx) => saveIntent(tx, payment.paymentId, 'pi_any_order'));
  return payment.paymentId;
}

async function store(tx: Tx, { type, object }: Callback): Promise<StoredWebhook> {
  const eventId = `evt_${newId('msg')}`;
  const body = Buffer.from(JSON.stringify({ id: eventId, object: 'event', type, data: { object } }));
  await insertWebhook(tx, { provider: 'stripe', eventId, type, body, headers: {}, requestId: newId('req') });
  return { provider: 'stripe', eventId, type, body, tries: 1 };
}

/** Everything that callbacks leave behind, apart from what was announced on the way. */
async function endOf(tx: Tx, paymentId: PaymentId) {
  const { rows } = await tx.query<{ announced: string[] }>(
    `select payment.status, payment.capture_state, payment.captured_amount::int as captured, payment.mismatch,
            payment.voided_at is not null as voided,
            (select array_agg(status || coalesce(' ' || provider_charge, '') order by number)
               from attempts where payment_id = payment.id) as attempts,
            (select array_agg(kind || ' ' || amount order by kind)
               from ledger_entries where payment_id = payment.id) as ledger,
            (select count(*)::int from operations where payment_id = payment.id and state in ('WAITING', 'DUE')) as open_calls,
            (select coalesce(array_agg(split_part(subject, '.', 4) order by seq), '{}')
               from outbox where ordering_key = payment.booking_id) as announced
       from payments payment
      where payment.id = $1`,
    [paymentId],
  );
  const { announced, ...end } = rows[0]!;
  return { end, announced };
}

/** Applies callbacks in this order, tells how it ended, and takes everything back. */
async function endAfter(paymentId: PaymentId, callbacks: readonly Callback[]) {
  let result: Awaited<ReturnType<typeof endOf>> | undefined;
  const takenBack = new Error('taken back');
  await withTransaction(bench.pool, async (tx) => {
    for (const callback of callbacks) await applyStored(tx, await store(tx, callback));
    result = await endOf(tx, paymentId);
    throw takenBack;
  }).catch((error: unknown) => {
    if (error !== takenBack) throw error;
  });
  return result!;
}

describe('the callbacks', () => {
  test.each<[string, Callback[], string]>([
    ['of a captured payment', [created, requiresAction, processing, authorised, succeeded, authorised], 'captured'],
    ['of a payment that was given up', [created, requiresAction, processing, authorised, canceled], 'voided'],
    ['of a declined payment', [created, requiresAction, processing, failed, failed], 'declined'],
  ])(
    '%s end alike in every order',
    async (_, history, last) => {
      const paymentId = await unanswered();
      const inOrder = await endAfter(paymentId, history);
      for (const callbacks of permutations(history)) {
        const { end, announced } = await endAfter(paymentId, callbacks);
        expect(end).toEqual(inOrder.end);
        expect(announced.filter((name) => name === last)).toHaveLength(1);
        expect(new Set(announced).size).toBe(announced.length);
      }
    },
    60_000,
  );
});

test('each callback one to five times, by two processes at once: every fact has one effect', async () => {
  const history = [created, requiresAction, processing, authorised, succeeded];
  const times = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: history.length, maxLength: history.length });
  const applier = () =>
    new WebhookApplier({
      pool: bench.pool,
      logger: bench.logger,
      onApplied: () => undefined,
      onResult: () => undefined,
    });
  await fc.assert(
    fc.asyncProperty(times, fc.infiniteStream(fc.nat()), async (copies, chance) => {
      const paymentId = await unanswered();
      const callbacks = history.flatMap((callback, index) => Array.from({ length: copies[index]! }, () => callback));
      const draws = callbacks.map((callback) => ({ callback, draw: chance.next().value as number }));
      const mixed = draws.sort((a, b) => a.draw - b.draw).map(({ callback }) => callback);
      await withTransaction(bench.pool, async (tx) => {
        for (const callback of mixed) await store(tx, callback);
      });
      await Promise.all(
        [applier(), applier()].map(async (each) => {
          while ((await each.runOnce()) > 0);
        }),
      );
      const { end, announced } = await withTransaction(bench.pool, (tx) => endOf(tx, paymentId));
      expect(end).toMatchObject({
        status: 'CAPTURED',
        captured: 4_500,
        attempts: ['CAPTURED'],
        ledger: ['authorisation 4500', 'capture 4500'],
        open_calls: 0,
      });
      expect(announced.filter((name) => name === 'captured')).toHaveLength(1);
      expect(new Set(announced).size).toBe(announced.length);
    }),
    { numRuns: 15 },
  );
}, 60_000);
