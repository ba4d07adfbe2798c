import { createHook } from 'node:async_hooks';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestGateway, type Answer, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** The argon2 computations that Node begins while `work` runs, whoever asks for them. */
async function countingHashes<T>(work: () => Promise<T>): Promise<{ result: T; hashes: number }> {
  let hashes = 0;
  const hook = createHook({
    init(_id, type) {
      if (/argon2/i.test(type)) hashes += 1;
    },
  }).enable();
  try {
    return { result: await work(), hashes };
  } finally {
    hook.disable();
  }
}

const logIn = (email: string, password: string) =>
  countingHashes(() => gateway.call('/v1/auth/login', { body: { email, password } }));

/** What a client sees of an answer, but for what is new in each. */
function seen({ status, headers, json }: Answer) {
  const { request_id: _id, ...body } = json;
  const { date: _date, 'request-id': _header, ratelimit: _left, ...others } = headers;
  return { status, headers: others, body };
}

test('an unknown address costs the one argon2 computation that a wrong password costs, and is answered alike', async () => {
  const { email, password } = await gateway.signUp();
  const right = await logIn(email, password);
  const wrong = await logIn(email, 'not the password');
  const unknown = [await logIn('nobody@example.com', password), await logIn('nobody-else@example.com', password)];
  expect([right.result.status, right.hashes]).toEqual([200, 1]);
  expect([wrong.result.status, wrong.hashes]).toEqual([401, 1]);
  for (const { result, hashes } of unknown) {
    expect(hashes).toBe(1);
    expect(seen(result)).toEqual(seen(wrong.result));
  }
});

test('the first unknown address after a start costs no more than the next', async () => {
  const fresh = await startTestGateway();
  try {
    const body = { email: 'nobody@example.com', password: 'whatever it is' };
    const { hashes } = await countingHashes(() => fresh.call('/v1/auth/login', { body }));
    expect(hashes).toBe(1);
  } finally {
    await fresh.stop();
  }
});
