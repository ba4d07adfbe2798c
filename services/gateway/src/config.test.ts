import { expect, test } from '@jest/globals';
import { ConfigError } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';

const GOOD = {
  DATABASE_URL: 'postgres://u:p@127.0.0.1/holdfast',
  NATS_URL: 'nats://127.0.0.1:4222',
  HOLDFAST_INTERNAL_SECRET: 'a secret of the tests that has 32 characters',
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('three variables are enough', () => {
  expect(loadConfig(GOOD)).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    admin: null,
    trustedProxies: [],
    redisUrl: null,
  });
});

test('every wrong variable is named at once', () => {
  const problems = problemsOf({
    HOLDFAST_INTERNAL_SECRET: 'short',
    HOLDFAST_GATEWAY_PORT: '99999',
    HOLDFAST_BOOKING_URL: 'booking:8081',
    HOLDFAST_ADMIN_EMAIL: 'admin@example.com',
    HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/33, ::1',
  }).join('\n');
  for (const name of [
    'DATABASE_URL',
    'HOLDFAST_INTERNAL_SECRET',
    'HOLDFAST_GATEWAY_PORT',
    'HOLDFAST_BOOKING_URL',
    'HOLDFAST_ADMIN_PASSWORD',
    'HOLDFAST_TRUSTED_PROXIES',
  ]) {
    expect(problems).toContain(name);
  }
});

test('proxies are a list, and an administrator has both an address and a password', () => {
  const config = loadConfig({
    ...GOOD,
    HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    HOLDFAST_ADMIN_EMAIL: 'Admin@Example.com',
    HOLDFAST_ADMIN_PASSWORD: 'four unrelated words',
  });
  expect(config.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  expect(config.admin).toEqual({ email: 'admin@example.com', password: 'four unrelated words' });
});

test.each(['0.0.0.0/0', '::/0', '0.0.0.0/1,128.0.0.0/1', '10.0.0.0/7', '2000::/3'])(
  'it does not start when %s are proxies: every client would choose its own address',
  (list) => {
    expect(problemsOf({ ...GOOD, HOLDFAST_TRUSTED_PROXIES: list })[0]).toMatch(
      /^HOLDFAST_TRUSTED_PROXIES.*name the proxies/,
    );
  },
);

test.each([
  '*',
  'null',
  'shop.example',
  'https://shop.example/',
  'https://*.example',
  'ftp://shop.example',
  'https://a@b',
])('%s is no origin that may call', (origin) => {
  expect(problemsOf({ ...GOOD, HOLDFAST_CORS_ORIGINS: `https://fine.example,${origin}` })[0]).toMatch(
    /^HOLDFAST_CORS_ORIGINS/,
  );
});

test('limits are scaled and replaced one by one, and a wrong one is named', () => {
  const { limits } = loadConfig({ ...GOOD, HOLDFAST_RATE_LIMIT_SCALE: '0.5', HOLDFAST_RATE_LIMITS: 'user=50/10s+10' });
  expect(limits.user).toEqual({ name: 'user', limit: 25, windowSeconds: 10, burst: 5 });
  expect(limits.address.limit).toBe(5_000);
  const problems = problemsOf({
    ...GOOD,
    HOLDFAST_RATE_LIMIT_SCALE: '0',
    HOLDFAST_RATE_LIMITS: 'users=1/1s,callback=fast',
  });
  expect(problems.join('\n')).toMatch(/RATE_LIMIT_SCALE[^]*no limit named users[^]*callback must look like/);
  for (const scale of ['-1', 'NaN', 'Infinity', '1e9', 'x']) {
    expect(problemsOf({ ...GOOD, HOLDFAST_RATE_LIMIT_SCALE: scale })).toHaveLength(1);
  }
});

test.each(['password1234', 'PasswordPassword', 'secret-password', '111111111111', 'Administrator1@example.com'])(
  'an administrator with the password %s is refused as any user is, and the refusal does not repeat it',
  (password) => {
    const problems = problemsOf({
      ...GOOD,
      HOLDFAST_ADMIN_EMAIL: 'administrator1@example.com',
      HOLDFAST_ADMIN_PASSWORD: password,
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^HOLDFAST_ADMIN_PASSWORD.*first passwords that are tried/);
    expect(problems[0]).not.toContain(password);
  },
);

test('public hosts are names, with a port or without', () => {
  const hosts = ['api.example.com', 'api.example.com:8443', '127.0.0.1', '[::1]', 'localhost:80'];
  expect(loadConfig({ ...GOOD, HOLDFAST_PUBLIC_HOSTS: hosts.join(', ') }).publicHosts).toEqual(hosts);
  expect(loadConfig(GOOD).publicHosts).toEqual([]);
});

test.each([
  '*',
  '*.example.com',
  'API.example.com',
  'https://api.example.com',
  'api.example.com/',
  'a@b',
  'a:99999',
  'a b',
])('%s is no public host', (host) => {
  expect(problemsOf({ ...GOOD, HOLDFAST_PUBLIC_HOSTS: `fine.example,${host}` })[0]).toMatch(/^HOLDFAST_PUBLIC_HOSTS/);
});
