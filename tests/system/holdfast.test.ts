import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSecrets } from '@holdfast/launcher/src/secrets.ts';
import { identify, writeState } from '@holdfast/launcher/src/stack-state.ts';
import { createApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { untilQuiet } from '../support/invariants.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let stack: Stack;
let ada: Customer;
let eventId: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  eventId = await makePoolEvent((await signInAdmin(stack)).api, { capacity: 20 });
  ada = await signUp(stack);
}, 60_000);
afterAll(async () => {
  // One that a failed test left listening would wait for NATS for ever.
  for (const child of children) child.kill('SIGKILL');
  await stack?.stop();
});

/** The command as somebody runs it; `more` is added to its environment. */
function holdfast(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const env = {
    HOLDFAST_URL: stack.url('gateway'),
    HOLDFAST_ADMIN_EMAIL: stack.admin.email,
    HOLDFAST_ADMIN_PASSWORD: stack.admin.password,
    NATS_URL: stack.nats.url,
    ...more,
  };
  const child = spawn(process.execPath, ['infra/launcher/src/holdfast.ts', ...args], { cwd: ROOT, env });
  children.push(child);
  let [out, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<{ code: number | null; out: string; errors: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, out, errors }));
  });
  const lines = createInterface({ input: child.stdout });
  /** Resolves with the first line on stdout that has `text`. */
  const line = (text: string) =>
    new Promise<string>((resolve) => lines.on('line', (each) => void (each.includes(text) && resolve(each))));
  const listening = new Promise<void>((resolve) => {
    child.stderr.on('data', () => void (errors.includes('listening') && resolve()));
  });
  return { child, ended, line, listening };
}

const book = () => bookPatiently(ada.api, { event_id: eventId, quantity: 1 });

describe('listen', () => {
  test('shows what is published from now on, with its booking, and ends cleanly when it is stopped', async () => {
    const before = await book();
    await untilQuiet(stack);
    const { child, ended, line, listening } = holdfast(['listen']);
    const confirmed = line('booking.confirmed');
    await listening;
    const { reference } = await book();
    expect(await confirmed).toMatch(new RegExp(`Z {2}booking.confirmed +${reference}`));
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect([code, out.includes(before.reference)]).toEqual([0, false]);
  }, 30_000);

  test('since a moment it tells what was before, of the subjects that are wanted, without who the customer is', async () => {
    const { reference } = await book();
    const { child, ended, line } = holdfast(['listen', '--since', '1h', '--subject', 'booking.booking.>', '--json']);
    const told = JSON.parse(await line(reference)) as { subject: string; event: { data: Record<string, unknown> } };
    expect(told).toMatchObject({ reference, event: { data: { reference, contact: '[redacted]' } } });
    child.kill('SIGTERM');
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).not.toContain(ada.email);
    const subjects = out
      .trim()
      .split('\n')
      .map((each) => (JSON.parse(each) as { subject: string }).subject);
    expect(subjects.filter((subject) => !subject.startsWith('booking.booking.'))).toEqual([]);
  }, 30_000);

  test('what cannot be listened to ends it with the code that says why', async () => {
    expect(await holdfast(['listen', '--subject', 'weather.>']).ended).toMatchObject({ code: 64, out: '' });
    expect(await holdfast(['listen', '--since', 'yesterday']).ended).toMatchObject({ code: 64, out: '' });
  }, 30_000);
});

describe('trigger', () => {
  const CUSTOMERS = 'a password of demonstrations';

  /** The stack of this file as if `npm start` had started it. */
  function stage(processes: readonly ('gateway' | 'mail' | 'provider')[]) {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-trigger-'));
    writeState(dataDir, {
      ...{ launcher: identify(process.pid), stackId: 'test', startedAt: '', isUp: true, ports: {}, children: {} },
      processes: Object.fromEntries(processes.map((part) => [part, { url: stack.url(part), pid: null }])),
    });
    const made = openSecrets(dataDir).secrets;
    writeFileSync(join(dataDir, 'secrets.json'), JSON.stringify({ ...made, customerPassword: CUSTOMERS }));
    return { HOLDFAST_DATA_DIR: dataDir };
  }

  test.each([
    ['booking', 'CONFIRMED', 'CONFIRMED'],
    ['decline', 'HELD', 'payment_declined'],
    ['late-callback', 'CONFIRMED', 'PAYMENT_INITIATED, payment PROCESSING'],
    ['refund', 'CANCELLED', 'CONFIRMED'],
  ])(
    '%s ends %s, and says what to look at',
    async (scene, status, answered) => {
      const { code, out, errors } = await holdfast(['trigger', scene, '--json'], stage(['gateway', 'mail', 'provider']))
        .ended;
      expect([code, errors]).toEqual([0, expect.stringContaining('pays with pm_')]);
      const { booking, ...told } = JSON.parse(out) as {
        booking: { reference: string };
        answered: string;
        next: string[];
      };
      expect([booking, told.answered]).toEqual([expect.objectContaining({ status }), answered]);
      expect(told.next).toContain(`npm run -s holdfast -- explain ${booking.reference}`);
    },
    60_000,
  );

  test('without the simulator, without a stack, and for a scene that there is not, nothing is done', async () => {
    const real = await holdfast(['trigger', 'booking'], stage(['gateway', 'mail'])).ended;
    expect(real).toMatchObject({ code: 1, out: '', errors: expect.stringContaining('simulator alone') });
    const none = await holdfast(['trigger', 'booking'], { HOLDFAST_DATA_DIR: mkdtempSync(join(tmpdir(), 'holdfast-')) })
      .ended;
    expect(none).toMatchObject({ code: 69, out: '' });
    expect(await holdfast(['trigger', 'fire']).ended).toMatchObject({ code: 64, out: '' });
  }, 60_000);
});

describe('admin', () => {
  const email = `ruth-${randomUUID().slice(0, 8)}@holdfast.test`;
  const login = (password: string) =>
    createApiClient(stack.url('gateway')).post<{ user: { role: string } }>(
      '/v1/auth/login',
      { email, password },
      { key: null },
    );

  test('create makes an administrator whose password came through a pipe', async () => {
    const { child, ended } = holdfast(['admin', 'create', email, 'Ruth']);
    child.stdin.end('a password of her own\n');
    expect(await ended).toMatchObject({ code: 0, out: expect.stringMatching(`^${email} is admin  usr_`) });
    const { status, body } = await login('a password of her own');
    expect([status, body.user.role]).toEqual([200, 'admin']);
  }, 30_000);

  test('a password that is too short is refused and leaves nobody behind', async () => {
    const { child, ended } = holdfast(['admin', 'create', `x${email}`]);
    child.stdin.end('short\n');
    expect(await ended).toMatchObject({ code: 1, out: '' });
    expect(await holdfast(['admin', 'role', `x${email}`, 'admin']).ended).toMatchObject({
      ...{ code: 1, errors: expect.stringContaining('nobody has the address') },
    });
  }, 30_000);

  test.each(['tokens', 'tickets'])(
    'rotate-keys %s makes a new key, and who is signed in stays so',
    async (which) => {
      expect(await holdfast(['admin', 'rotate-keys', which]).ended).toMatchObject({
        ...{ code: 0, out: expect.stringContaining(`${which} have a new key`) },
      });
      expect((await ada.api.get('/v1/auth/me')).status).toBe(200);
    },
    30_000,
  );
});
