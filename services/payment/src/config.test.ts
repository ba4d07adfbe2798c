import { ConfigError } from '@holdfast/shared/config';
import { expect, test } from '@jest/globals';
import { allSecrets } from '@holdfast/shared/secrets/secret-ring';
import { loadConfig } from './config.ts';

const valid = {
  DATABASE_URL: 'postgres://holdfast_payment:secret@127.0.0.1:5432/holdfast',
  NATS_URL: 'nats://127.0.0.1:4222',
  HOLDFAST_INTERNAL_SECRET: 'a secret of the tests that has 32 characters',
  STRIPE_API_KEY: 'sk_test_12345678',
  HOLDFAST_STRIPE_WEBHOOK_SECRETS: 'whsec_current_secret, whsec_former_secret',
};

test('defaults are those of the contract', () => {
  expect(loadConfig(valid)).toMatchObject({
    host: '127.0.0.1',
    port: 8082,
    firstLookMs: 5_000,
    refundsPerSecond: 20,
    provider: { name: 'stripe', apiBase: 'https://api.stripe.com', timeoutMs: 5_000, breakMs: 5_000 },
    webhooks: {
      allowedCidrs: ['127.0.0.0/8', '::1/128'],
    },
  });
  expect(allSecrets(loadConfig(valid).webhooks.secrets)).toEqual(['whsec_current_secret', 'whsec_former_secret']);
});

test('every wrong variable is named at once, without its value', () => {
  const wrong = {
    ...valid,
    DATABASE_URL: undefined,
    HOLDFAST_PROVIDER: 'paypal',
    STRIPE_API_KEY: 'pk_not_secret_1234',
    STRIPE_API_BASE: 'ftp://provider',
    HOLDFAST_STRIPE_WEBHOOK_SECRETS: 'short',
    HOLDFAST_WEBHOOK_ALLOWED_CIDRS: '10.0.0.0/99',
    HOLDFAST_PAYMENT_PORT: '70000',
    HOLDFAST_REFUNDS_PER_SECOND: '0',
  };
  const load = () => loadConfig(wrong);
  expect(load).toThrow(ConfigError);
  for (const name of Object.keys(wrong).filter(
    (key) => wrong[key as keyof typeof wrong] !== valid[key as keyof typeof valid],
  ))
    expect(load).toThrow(new RegExp(`${name}: `));
  expect(load).not.toThrow(/pk_not_secret/);
});
