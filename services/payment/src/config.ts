import {
  commaList,
  databaseUrl,
  internalSecret,
  isUnguessable,
  secretFile,
  natsUrl,
  secretsOf,
  commonServiceSchema,
  parseConfig,
  port,
  positiveInteger,
  url,
} from '@holdfast/shared/config';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { z } from 'zod';
import { parseCidrs } from './provider-webhooks/source-allowlist.ts';

const apiKey = z
  .string({ message: 'is required' })
  .regex(/^(sk|rk)_[^\s,]{8,}$/, 'must be a secret key, e.g. sk_test_…');

const webhookSecrets = z
  .string({ message: 'is required: the secrets that sign callbacks, current first' })
  .transform(commaList)
  .refine(
    (secrets) => secrets.length > 0 && secrets.every((secret) => secret.length >= 16),
    'needs secrets of at least 16 characters, separated by commas',
  )
  .refine((secrets) => secrets.every(isUnguessable), 'can be guessed: use the one that the provider shows');

const schema = commonServiceSchema.extend({
  HOLDFAST_PAYMENT_PORT: port(8082),
  HOLDFAST_PROVIDER: z.enum(['stripe'], { message: 'must be stripe' }).default('stripe'),
  STRIPE_API_KEY: apiKey,
  STRIPE_API_KEY_FILE: secretFile,
  STRIPE_API_BASE: url('http', 'https').default('https://api.stripe.com'),
  HOLDFAST_STRIPE_WEBHOOK_SECRETS: webhookSecrets,
  HOLDFAST_STRIPE_WEBHOOK_SECRETS_FILE: secretFile,
  HOLDFAST_WEBHOOK_ALLOWED_CIDRS: z
    .string()
    .default('127.0.0.0/8,::1/128')
    .transform(commaList)
    .refine((cidrs) => parseCidrs(cidrs) !== null, 'must be networks such as 127.0.0.0/8, separated by commas'),
  HOLDFAST_PROVIDER_TIMEOUT_MS: positiveInteger(5_000),
  HOLDFAST_PAYMENT_FIRST_LOOK_MS: positiveInteger(5_000),
  HOLDFAST_PROVIDER_BREAK_MS: positiveInteger(5_000),
  HOLDFAST_REFUNDS_PER_SECOND: positiveInteger(20),
});

export interface Config {
  readonly databaseUrl: Secrets;
  readonly natsUrl: Secrets;
  readonly natsReplicas: number;
  readonly internalSecret: Secrets;
  readonly logLevel: string;
  readonly host: string;
  readonly port: number;
  readonly provider: {
    readonly name: 'stripe';
    readonly apiKey: Secrets;
    readonly apiBase: string;
    readonly timeoutMs: number;
    /** Time without calls after half of the last ones failed. */
    readonly breakMs: number;
  };
  readonly webhooks: { readonly secrets: Secrets; readonly allowedCidrs: readonly string[] };
  /** Time from an unknown outcome to the first question to the provider. */
  readonly firstLookMs: number;
  /** Refunds that all processes together send in a second. */
  readonly refundsPerSecond: number;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const parsed = parseConfig(schema, env);
  return {
    databaseUrl: secretsOf(env, 'DATABASE_URL', databaseUrl),
    natsUrl: secretsOf(env, 'NATS_URL', natsUrl),
    natsReplicas: parsed.HOLDFAST_NATS_REPLICAS,
    internalSecret: secretsOf(env, 'HOLDFAST_INTERNAL_SECRET', internalSecret),
    logLevel: parsed.HOLDFAST_LOG_LEVEL,
    host: parsed.HOLDFAST_HOST,
    port: parsed.HOLDFAST_PAYMENT_PORT,
    provider: {
      name: parsed.HOLDFAST_PROVIDER,
      apiKey: secretsOf(env, 'STRIPE_API_KEY', apiKey),
      apiBase: parsed.STRIPE_API_BASE,
      timeoutMs: parsed.HOLDFAST_PROVIDER_TIMEOUT_MS,
      breakMs: parsed.HOLDFAST_PROVIDER_BREAK_MS,
    },
    webhooks: {
      secrets: secretsOf(env, 'HOLDFAST_STRIPE_WEBHOOK_SECRETS', webhookSecrets),
      allowedCidrs: parsed.HOLDFAST_WEBHOOK_ALLOWED_CIDRS,
    },
    firstLookMs: parsed.HOLDFAST_PAYMENT_FIRST_LOOK_MS,
    refundsPerSecond: parsed.HOLDFAST_REFUNDS_PER_SECOND,
  };
}
