import { isIP } from 'node:net';
import { email, password } from '@holdfast/shared/contracts/identity';
import {
  commaList,
  databaseUrl,
  internalSecret,
  natsUrl,
  redisUrlOf,
  secretsOf,
  commonServiceSchema,
  parseConfig,
  port,
  url,
} from '@holdfast/shared/config';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { z } from 'zod';
import { isHost } from './border/public-hosts.ts';
import { isEasilyGuessed } from './identity/check-password.ts';
import { readPolicies, type Policies } from './rate-limit/policy-rules.ts';

const cidr = z.string().refine(isCidr, 'must be addresses or CIDR ranges separated by commas, e.g. 10.0.0.0/8,::1');

function isCidr(value: string): boolean {
  const [address, bits, more] = value.split('/');
  const family = isIP(address ?? '');
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

const TRUSTS_EVERYBODY =
  'names no proxy but a good part of all addresses, so every client could choose its own; name the proxies, e.g. 10.0.0.0/8';

/** A range so wide that it is a mistake or means "everybody". A /8 is the widest network that anybody has to themselves. */
function isNoWholeInternet(value: string): boolean {
  const [address, bits] = value.split('/');
  return bits === undefined || Number(bits) >= (isIP(address!) === 4 ? 8 : 16);
}

const ORIGIN_FORM = 'must be origins separated by commas, e.g. https://shop.example; neither * nor null';

/** Exactly as a browser sends it: scheme, host, port if it is not the usual one, nothing more. */
function isOrigin(value: string): boolean {
  return (
    !value.includes('*') &&
    URL.canParse(value) &&
    /^https?:$/.test(new URL(value).protocol) &&
    new URL(value).origin === value
  );
}

const HOST_FORM =
  'must be names separated by commas, in lower case, each with its port or without, e.g. api.example.com';

const listed = z.string().transform(commaList);

const schema = commonServiceSchema
  .extend({
    HOLDFAST_GATEWAY_PORT: port(8080),
    HOLDFAST_BOOKING_URL: url('http', 'https').default('http://127.0.0.1:8081'),
    HOLDFAST_PAYMENT_URL: url('http', 'https').default('http://127.0.0.1:8082'),
    HOLDFAST_NOTIFICATION_URL: url('http', 'https').default('http://127.0.0.1:8083'),
    HOLDFAST_ADMIN_EMAIL: email.optional(),
    HOLDFAST_ADMIN_PASSWORD: password.optional(),
    HOLDFAST_TRUSTED_PROXIES: listed.pipe(z.array(cidr.refine(isNoWholeInternet, TRUSTS_EVERYBODY))).default([]),
    HOLDFAST_METRICS_ALLOWED_CIDRS: listed.pipe(z.array(cidr)).default(['127.0.0.0/8', '::1/128']),
    HOLDFAST_CORS_ORIGINS: listed.pipe(z.array(z.string().refine(isOrigin, ORIGIN_FORM))).default([]),
    HOLDFAST_PUBLIC_HOSTS: listed.pipe(z.array(z.string().refine(isHost, HOST_FORM))).default([]),
    HOLDFAST_RATE_LIMIT_SCALE: z.coerce
      .number({ message: 'must be a number' })
      .min(0.001, 'must be at least 0.001')
      .max(1_000_000, 'must be at most 1000000')
      .default(1),
    HOLDFAST_RATE_LIMITS: z
      .string()
      .default('')
      .superRefine((text, context) => {
        for (const message of readPolicies(text, 1).wrong) context.addIssue({ code: 'custom', message });
      }),
  })
  .refine((env) => (env.HOLDFAST_ADMIN_EMAIL === undefined) === (env.HOLDFAST_ADMIN_PASSWORD === undefined), {
    path: ['HOLDFAST_ADMIN_PASSWORD'],
    message: 'goes together with HOLDFAST_ADMIN_EMAIL: set both or none',
    // Also when other variables are wrong, so that one start names them all.
    when: () => true,
  })
  .refine((env) => !isEasilyGuessed(env.HOLDFAST_ADMIN_PASSWORD ?? '', env.HOLDFAST_ADMIN_EMAIL ?? ''), {
    path: ['HOLDFAST_ADMIN_PASSWORD'],
    message: 'is among the first passwords that are tried; use several words that do not belong together',
    when: ({ value }) => typeof (value as Record<string, unknown>)['HOLDFAST_ADMIN_PASSWORD'] === 'string',
  });

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly databaseUrl: Secrets;
  readonly natsUrl: Secrets;
  readonly natsReplicas: number;
  readonly internalSecret: Secrets;
  readonly upstreams: { readonly booking: string; readonly payment: string; readonly notification: string };
  /** Null without HOLDFAST_ADMIN_EMAIL: nobody is made admin. */
  readonly admin: { readonly email: string; readonly password: string } | null;
  /** CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly redisUrl: Secrets | null;
  /** CIDR ranges that may read /metrics on the public port; to others it is not there. */
  readonly metricsAllowed: readonly string[];
  /** Origins of web pages that may call the API from a browser. */
  readonly corsOrigins: readonly string[];
  /** Names under which clients reach the gateway; empty: any. */
  readonly publicHosts: readonly string[];
  /** Already scaled. */
  readonly limits: Policies;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const e = parseConfig(schema, env);
  return {
    host: e.HOLDFAST_HOST,
    port: e.HOLDFAST_GATEWAY_PORT,
    logLevel: e.HOLDFAST_LOG_LEVEL,
    databaseUrl: secretsOf(env, 'DATABASE_URL', databaseUrl),
    natsUrl: secretsOf(env, 'NATS_URL', natsUrl),
    natsReplicas: e.HOLDFAST_NATS_REPLICAS,
    internalSecret: secretsOf(env, 'HOLDFAST_INTERNAL_SECRET', internalSecret),
    upstreams: {
      booking: e.HOLDFAST_BOOKING_URL,
      payment: e.HOLDFAST_PAYMENT_URL,
      notification: e.HOLDFAST_NOTIFICATION_URL,
    },
    admin:
      e.HOLDFAST_ADMIN_EMAIL !== undefined && e.HOLDFAST_ADMIN_PASSWORD !== undefined
        ? { email: e.HOLDFAST_ADMIN_EMAIL, password: e.HOLDFAST_ADMIN_PASSWORD }
        : null,
    trustedProxies: e.HOLDFAST_TRUSTED_PROXIES,
    redisUrl: redisUrlOf(env, e),
    metricsAllowed: e.HOLDFAST_METRICS_ALLOWED_CIDRS,
    corsOrigins: e.HOLDFAST_CORS_ORIGINS,
    publicHosts: e.HOLDFAST_PUBLIC_HOSTS,
    limits: readPolicies(e.HOLDFAST_RATE_LIMITS, e.HOLDFAST_RATE_LIMIT_SCALE).policies,
  };
}
