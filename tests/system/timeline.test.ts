import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TimelineJson } from '@holdfast/shared/contracts/timeline';
import { until } from '@holdfast/shared/testing/until';
import type { ApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { untilQuiet } from '../support/invariants.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let stack: Stack;
let admin: ApiClient;
let ada: Customer;
let booking: { readonly id: string; readonly reference: string };

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  admin = (await signInAdmin(stack)).api;
  ada = await signUp(stack);
  booking = await bookPatiently(ada.api, { event_id: await makePoolEvent(admin, { capacity: 5 }), quantity: 2 });
  await untilQuiet(stack);
}, 60_000);
afterAll(() => stack?.stop());

const timelineFor = async (api: ApiClient) => (await api.get<TimelineJson>(`/v1/bookings/${booking.id}/timeline`)).body;

test('one story over all services, in order, each part with its cause', async () => {
  const { data, missing, booking: of } = await timelineFor(ada.api);
  expect([of, missing]).toEqual([{ id: booking.id, reference: booking.reference, status: 'CONFIRMED' }, []]);
  const types = data.map(({ type }) => type);
  const story = [
    ...['request', 'booking.held', 'request', 'booking.payment_initiated', 'saga.authorisation_requested'],
    ...['payment.created', 'payment.attempt', 'provider.confirm', 'saga.capture_requested', 'provider.capture'],
    ...['booking.paid', 'booking.confirmed', 'event.booking.confirmed', 'message.created', 'message.sent'],
  ];
  let from = 0;
  for (const type of story) {
    const index = types.indexOf(type, from);
    expect([type, index >= from]).toEqual([type, true]);
    from = index + 1;
  }
  expect(types).toEqual(expect.arrayContaining(['callback.received', 'callback.applied', 'provider.capture.done']));
  expect(data.map(({ at }) => at)).toEqual(data.map(({ at }) => at).sort());

  // Each cause is a request, an event or an operation that stands in the list as well.
  const known = new Set(data.flatMap((entry) => [entry.data['id'], entry.data['event_id']]));
  expect(data.filter(({ cause }) => cause !== null && !known.has(cause))).toEqual([]);
});

test('operators see more of the machinery, customers none of its keys, and others nothing', async () => {
  const keysOf = ({ data }: TimelineJson) => new Set(data.flatMap((entry) => Object.keys(entry.data)));
  expect(keysOf(await timelineFor(admin)).has('idempotency_key')).toBe(true);
  const shown = keysOf(await timelineFor(ada.api));
  for (const key of ['idempotency_key', 'last_error', 'stuck_reason', 'replays']) expect(shown).not.toContain(key);

  const stranger = await signUp(stack);
  for (const id of [booking.id, 'bkg_nonsense', 'bkg_00000000000000000000000000']) {
    const answer = await stranger.api.get<{ code: string }>(`/v1/bookings/${id}/timeline`);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
});

describe('holdfast', () => {
  /** The command as an operator runs it: by the reference of a ticket. */
  function holdfast(...args: string[]) {
    const env = {
      HOLDFAST_URL: stack.url('gateway'),
      HOLDFAST_ADMIN_EMAIL: stack.admin.email,
      HOLDFAST_ADMIN_PASSWORD: stack.admin.password,
    };
    return new Promise<{ code: number | null; out: string; errors: string }>((resolve) => {
      const child = spawn(process.execPath, ['infra/launcher/src/holdfast.ts', ...args], { cwd: ROOT, env });
      let [out, errors] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      child.once('close', (code) => resolve({ code, out, errors }));
    });
  }

  test('explain tells it to people, each line with what led to it', async () => {
    const { code, out } = await holdfast('explain', booking.reference);
    const lines = out.split('\n');
    expect([code, lines[0]]).toEqual([0, expect.stringMatching(`^${booking.reference}  CONFIRMED  ${booking.id}`)]);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ +1 +0\.0 ms {2}gateway +request req_/),
        expect.stringMatching(/ms {2}booking +HELD \(.+\) {2}← 1$/),
        expect.stringMatching(/ms {2}notification +email about "confirmed" handed over {2}← \d+$/),
      ]),
    );
  });

  test('explain tells it to programs, and ends with a code that says what was wrong', async () => {
    const { code, out } = await holdfast('explain', booking.id, '--json');
    expect([code, (JSON.parse(out) as TimelineJson).booking.reference]).toEqual([0, booking.reference]);
    const unknown = await holdfast('explain', 'BK20270104-000000');
    expect([unknown.code, unknown.out, unknown.errors]).toEqual([1, '', expect.stringContaining('not_found')]);
    expect((await holdfast('explain')).code).toBe(64);
    expect((await holdfast('divine', booking.id)).code).toBe(64);
    expect(await holdfast('attention')).toMatchObject({ code: 0, out: 'Nothing needs you.\n' });
  });

  test('payments shows attempts, calls to the provider and ledger of a booking', async () => {
    const { code, out } = await holdfast('payments', booking.reference);
    expect([code, out]).toEqual([0, expect.stringMatching(/^pay_\w+ {2}CAPTURED {2}EUR [\d.]+ {2}stripe pi_/)]);
    expect(out).toMatch(/\n1 +CAPTURED +pm_card_visa /);
    expect(out).toMatch(/Z +capture.done +capture: /);
    expect(out).toMatch(/Z +capture +provider_clearing +authorisations +EUR /);
    const { payment, ledger } = JSON.parse((await holdfast('payments', booking.id, '--json')).out) as {
      payment: { id: string };
      ledger: { kind: string }[];
    };
    expect(ledger.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['authorisation', 'capture']));
    expect(await holdfast('payments', payment.id)).toMatchObject({ code: 0, out });
    const open = await holdfast('payments');
    expect([open.code, open.out]).toEqual([0, expect.stringContaining('No payment needs you.')]);
  });

  test('integrity run checks everything and waits for the end', async () => {
    const whole = await holdfast('integrity', 'run');
    expect([whole.code, whole.out]).toEqual([0, expect.stringMatching(/All \d+ invariants hold\.\n$/)]);
    expect(await holdfast('integrity', 'walk')).toMatchObject({ code: 64, out: '' });
  }, 60_000);
});

test('a service that is away is named, and the others tell their part', async () => {
  await stack.process('payment').kill();
  const { data, missing } = await timelineFor(admin);
  await stack.restart('payment');
  expect(missing).toEqual(['payment']);
  expect(new Set(data.map(({ source }) => source))).toEqual(new Set(['gateway', 'booking', 'notification']));
  await until('payment to be asked again', async () => (await timelineFor(admin)).missing.length === 0);
}, 30_000);
