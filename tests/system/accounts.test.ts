import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { createApiClient, type ApiClient } from '../support/api-client.ts';
import { PASSWORD, signUp } from '../support/customers.ts';
import { brokenInvariants } from '../support/invariants.ts';
import { mailsTo, untilMail } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, type Stack } from '../support/stack.ts';

let stack: Stack;
let anybody: ApiClient;
beforeAll(async () => {
  stack = await startStack({ parts: ['gateway', 'notification', 'mail'] });
  anybody = createApiClient(stack.url('gateway'));
});
afterAll(() => stack.stop());

const post = (path: string, body: object) => anybody.post<{ code: string }>(path, body, { key: null });
const tokenIn = (text: string) => /#(hmt_[\w-]+)/.exec(text)![1]!;

test('a new account gets a mail whose link verifies its address', async () => {
  const ann = await signUp(stack, 'Ann');
  const mail = await untilMail(stack.url('mail'), ann.email, 'confirm your email');
  expect(mail.text).toContain(`${stack.url('gateway')}/account/verify-email#`);
  expect((await post('/v1/auth/verify-email', { token: tokenIn(mail.text) })).status).toBe(204);
  const me = await ann.api.get<{ user: { email_verified: boolean } }>('/v1/auth/me');
  expect(me.body.user.email_verified).toBe(true);
});

test('a forgotten password is replaced by the mail that comes, and the change is told', async () => {
  const bob = await signUp(stack, 'Bob');
  expect((await post('/v1/auth/password/forgot', { email: bob.email })).status).toBe(204);
  const mail = await untilMail(stack.url('mail'), bob.email, 'Choose a new password');
  const password = 'three quite unusual words';
  expect((await post('/v1/auth/password/reset', { token: tokenIn(mail.text), password })).status).toBe(204);
  expect((await bob.api.get('/v1/auth/me')).status).toBe(401);
  expect((await post('/v1/auth/login', { email: bob.email, password: PASSWORD })).status).toBe(401);
  expect((await post('/v1/auth/login', { email: bob.email, password })).status).toBe(200);
  await untilMail(stack.url('mail'), bob.email, 'password was changed');
});

test('without NATS an account is made all the same, and its mail comes when NATS is back', async () => {
  await stack.nats.kill();
  const eve = await signUp(stack, 'Eve');
  expect((await anybody.get('/readyz')).status).toBe(200);
  await stack.nats.restart();
  await untilMail(stack.url('mail'), eve.email, 'confirm your email', 20_000);
  expect(await mailsTo(stack.url('mail'), eve.email)).toHaveLength(1);
});

test('no token of a mail stands in an event, a delivery or a log line, and nothing is broken', async () => {
  await until('all mails to be sent', async () => {
    const open = await query(stack, `select id from notification.deliveries where state <> 'SENT'`);
    return open.length === 0;
  });
  const written = [
    ...stack.parts.flatMap((part) => (part === 'mail' ? [] : stack.process(part).lines)),
    ...(await query<{ text: string }>(
      stack,
      `select payload as text from identity.outbox union all select notice::text from notification.deliveries`,
    ).then((rows) => rows.map(({ text }) => text))),
  ];
  expect(written.length).toBeGreaterThan(5);
  expect(written.filter((line) => line.includes('hmt_'))).toEqual([]);
  expect(await brokenInvariants(stack)).toEqual([]);
});
