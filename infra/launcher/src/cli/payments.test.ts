import { expect, test } from '@jest/globals';
import { moneyText, payments } from './payments.ts';

const finding = (id: string, of: string | null) => ({
  ...{ id, object: 'reconciliation_finding', kind: 'amount_differs', state: 'OPEN', provider: 'stripe' },
  ...{ provider_reference: `pi_${id}`, payment_id: of, booking_id: null, amount_here: 4500, amount_there: null },
  ...{ currency: 'EUR', detail: 'seen in a sweep', found_at: 'then', seen_at: 'then', resolution: null, refund: null },
});

/** A gateway that answers by path. */
function answering(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const get = <T>(path: string): Promise<T> => {
    asked.push(path);
    return path in answers ? Promise.resolve(answers[path] as T) : Promise.reject(new Error(`unexpected ${path}`));
  };
  return { asked, get, post: () => Promise.reject(new Error('changes something')) };
}

const FINDINGS = '/v1/ops/reconciliation/findings?state=OPEN&limit=100';

test.each([
  [4500, 'EUR', 'EUR 45.00'],
  [4500, 'JPY', 'JPY 4,500'],
  [1234, 'KWD', 'KWD 1.234'],
])('%s minor units of %s are %s', (amount, currency, text) => {
  expect(moneyText(amount, currency)).toBe(text);
});

test('without an operand it lists what needs somebody, over all pages of findings', async () => {
  const item = { service: 'payment', id: 'pay_1', booking_id: 'bkg_1', since: 'then', detail: 'no answer' };
  const api = answering({
    '/v1/ops/attention': {
      data: [
        { ...item, kind: 'payment_unknown' },
        { ...item, kind: 'dead_letter', id: 'dlq_1' },
      ],
    },
    [FINDINGS]: { data: [finding('1', 'pay_1')], next_cursor: 'more' },
    [`${FINDINGS}&cursor=more`]: { data: [finding('2', null)], next_cursor: null },
  });
  const { json, lines, exitCode } = await payments(api, []);
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({ payments: [{ id: 'pay_1' }], findings: [{ id: '1' }, { id: '2' }] });
  expect(lines.join('\n')).toMatch(/payment_unknown +pay_1 +bkg_1 +no answer[^]*pi_2 +EUR 45.00 +- +seen in a sweep/);
  expect(lines.join('\n')).not.toContain('dlq_1');
});

test('nothing to do is said so; payment not answering is no such thing', async () => {
  const calm = { '/v1/ops/attention': { data: [] }, [FINDINGS]: { data: [], next_cursor: null } };
  expect((await payments(answering(calm), [])).lines).toContain('No payment needs you.');
  const away = { data: [{ kind: 'service_unreachable', service: 'payment', id: null, since: 'then', detail: '' }] };
  expect(await payments(answering({ ...calm, '/v1/ops/attention': away }), [])).toMatchObject({ exitCode: 69 });
});

test('a booking that nobody tried to pay has no payment, and its state is told', async () => {
  const api = answering({
    '/v1/bookings/reference/BK1': { id: 'bkg_1', reference: 'BK1', status: 'HELD' },
    '/v1/payments?booking_id=bkg_1': { data: [], next_cursor: null },
  });
  await expect(payments(api, ['BK1'])).rejects.toThrow('BK1 is HELD and has no payment');
});
