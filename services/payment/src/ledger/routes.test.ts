import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ledgerBalance, ledgerEntry, trialBalance } from '@holdfast/shared/contracts/ledger';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
}, 60_000);
afterAll(() => world.stop(), 30_000);

const operator: Partial<Caller> = { userId: newId('usr'), role: 'operator' };

async function read(path: string, caller: Partial<Caller> = operator) {
  const response = await world.get(service, `/v1/ops/ledger/${path}`, caller);
  return { status: response.status, body: (await response.json()) as { data?: unknown[]; code?: string } };
}

test('an operator reads what a captured and refunded payment moved, the fee of the provider with it', async () => {
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  await checkout.answer('authorised');
  await checkout.capture();
  await checkout.answer('captured');
  await checkout.refund(2_000);
  await checkout.answer('refunded');

  const { body } = await read(`entries?payment_id=${checkout.paymentId}`);
  const entries = body.data!.map((entry) => ledgerEntry.strict().parse(entry));
  const shown = entries.map(({ kind, amount, debit_account, credit_account }) =>
    [kind, amount, debit_account, credit_account].join(' '),
  );
  // A callback may tell of the capture before the answer that has the fee.
  expect(shown.sort()).toEqual([
    'authorisation 4500 authorisations bookings',
    'capture 4500 provider_clearing authorisations',
    'fee 93 provider_fees provider_clearing',
    'refund 2000 refunds provider_clearing',
  ]);
  expect(await read(`entries?booking_id=${checkout.bookingId}`)).toEqual({ status: 200, body });

  const balances = await read('balances?currency=EUR');
  const accounts = balances.body.data!.map((each) => ledgerBalance.strict().parse(each));
  expect(Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]))).toEqual({
    authorisations: 0,
    bookings: -4_500,
    provider_clearing: 2_407,
    provider_fees: 93,
    refunds: 2_000,
  });
  expect(trialBalance.parse((await read('trial-balance')).body)).toMatchObject({
    balanced: true,
    currencies: [{ currency: 'EUR', debits: 11_093, credits: 11_093 }],
    differences: [],
  });
});

test('nobody else reads the books, and a wrong question is told', async () => {
  for (const path of ['entries', 'balances', 'trial-balance']) {
    expect((await read(path, { userId: newId('usr'), role: 'customer' })).status).toBe(403);
    expect((await read(path, {})).status).toBe(401);
    expect((await read(`${path}?account=cash`)).body.code).toBe('validation_failed');
  }
  expect((await read('entries?payment_id=pay_x')).status).toBe(422);
});
