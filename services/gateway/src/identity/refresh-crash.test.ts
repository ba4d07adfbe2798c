import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startServiceProcess } from '@holdfast/shared/testing/service-process';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';
import { hashRefreshToken } from './refresh-token.ts';

const SECRET = 'a secret of the tests that has 32 characters';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ internalSecret: SECRET });
});
afterAll(() => gateway.stop());

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

// One program to both gateways: a token that another program brings a second time is a stolen one.
async function post(url: string, path: string, body: object): Promise<{ status: number; json: Pair }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'a phone' },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Pair };
}

test('a client whose gateway died between the commit of a refresh and its answer gets that successor from another one', async () => {
  const survivor = `http://127.0.0.1:${gateway.port}`;
  const doomed = await startServiceProcess({
    service: 'gateway',
    env: {
      DATABASE_URL: gateway.database.url('identity'),
      NATS_URL: 'nats://127.0.0.1:9',
      HOLDFAST_INTERNAL_SECRET: SECRET,
      FAILPOINT: 'gateway.refresh.after_commit',
    },
  });
  const person = { email: 'lost-answer@example.com', password: 'a long password', name: 'Ann' };
  const { json: first } = await post(doomed.url, '/v1/auth/register', person);

  await expect(post(doomed.url, '/v1/auth/refresh', { refresh_token: first.refresh_token })).rejects.toThrow();
  expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });
  const committed = await gateway.rows<{ hash: Buffer }>('select hash from refresh_tokens where parent_hash = $1', [
    hashRefreshToken(first.refresh_token),
  ]);
  expect(committed).toHaveLength(1);

  const retries = [
    await post(survivor, '/v1/auth/refresh', { refresh_token: first.refresh_token }),
    await post(survivor, '/v1/auth/refresh', { refresh_token: first.refresh_token }),
  ];
  for (const { status, json } of retries) {
    expect(status).toBe(200);
    expect(hashRefreshToken(json.refresh_token)).toEqual(committed[0]!.hash);
    expect((await gateway.call('/v1/auth/me', { token: json.access_token })).status).toBe(200);
  }
  const next = await post(survivor, '/v1/auth/refresh', { refresh_token: retries[0]!.json.refresh_token });
  expect(next.status).toBe(200);
});
