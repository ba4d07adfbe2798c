import { databaseUrl, loadConfigOrExit, parseConfig, port, url } from '@holdfast/shared/config';
import { z } from 'zod';

const searchFields = {
  PATH: z.string().default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
  HOLDFAST_DATA_DIR: z.string().optional(),
  HOLDFAST_POSTGRES_BIN: z.string().optional(),
  HOLDFAST_NATS_SERVER: z.string().optional(),
  HOLDFAST_REDIS_SERVER: z.string().optional(),
  /** Set by bootstrap.mjs, so that progress shows the time since the command was given. */
  HOLDFAST_STARTED_AT: z.coerce.number().optional(),
};

/** A port that the launcher chooses: not set means the usual one or, when that is taken, any free one. */
const chosenPort = port(0).unwrap().optional();

const startSchema = z.object({
  ...searchFields,
  HOLDFAST_POSTGRES_ADMIN_URL: url('postgres', 'postgresql').optional(),
  NATS_URL: url('nats', 'tls').optional(),
  REDIS_URL: url('redis', 'rediss').optional(),
  HOLDFAST_REDIS: z.enum(['auto', 'off']).default('auto'),
  HOLDFAST_GATEWAY_PORT: chosenPort,
  HOLDFAST_BOOKING_PORT: chosenPort,
  HOLDFAST_PAYMENT_PORT: chosenPort,
  HOLDFAST_NOTIFICATION_PORT: chosenPort,
  HOLDFAST_PROVIDER_PORT: chosenPort,
  HOLDFAST_MAIL_PORT: chosenPort,
  HOLDFAST_SMTP_PORT: chosenPort,
  HOLDFAST_QUOTER_PORT: chosenPort,
  HOLDFAST_ADMIN_EMAIL: z.email('must be an e-mail address').optional(),
  HOLDFAST_ADMIN_PASSWORD: z.string().min(12, 'must have at least 12 characters').optional(),
  HOLDFAST_INTERNAL_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  HOLDFAST_INTERNAL_SECRET_FILE: z.string().optional(),
  HOLDFAST_STRIPE_WEBHOOK_SECRETS: z.string().optional(),
  HOLDFAST_STRIPE_WEBHOOK_SECRETS_FILE: z.string().optional(),
  HOLDFAST_SMTP_URL: url('smtp', 'smtps').optional(),
  HOLDFAST_SMTP_URL_FILE: z.string().optional(),
  HOLDFAST_QUOTER_URL: url('http', 'https').optional(),
  HOLDFAST_QUOTER_SECRETS: z.string().optional(),
  STRIPE_API_KEY: z.string().optional(),
  STRIPE_API_KEY_FILE: z.string().optional(),
  STRIPE_API_BASE: url('http', 'https').optional(),
});

const testSchema = z.object({ ...searchFields, TEST_INFRA: z.enum(['local', 'containers']).default('local') });
/** The administrator where none is configured. */
export const ADMIN_EMAIL = 'admin@holdfast.example';

const holdfastSchema = z.object({
  HOLDFAST_DATA_DIR: z.string().optional(),
  HOLDFAST_URL: url('http', 'https').optional(),
  HOLDFAST_TOKEN: z.string().optional(),
  HOLDFAST_ADMIN_EMAIL: z.email('must be an e-mail address').default(ADMIN_EMAIL),
  HOLDFAST_ADMIN_PASSWORD: z.string().optional(),
  HOLDFAST_POSTGRES_ADMIN_URL: databaseUrl.optional(),
  NATS_URL: url('nats', 'tls').optional(),
  REDIS_URL: url('redis', 'rediss').optional(),
});
const statusSchema = z.object({ HOLDFAST_DATA_DIR: z.string().optional() });

export type StartConfig = z.infer<typeof startSchema>;
export type TestConfig = z.infer<typeof testSchema>;

/** Configuration of `npm start`. Ends the process with every wrong variable named. */
export function loadStartConfig(): StartConfig {
  return loadConfigOrExit(() => parseConfig(startSchema, process.env));
}

/** Configuration of `npm test`. */
export function loadTestConfig(): TestConfig {
  return loadConfigOrExit(() => parseConfig(testSchema, process.env));
}

/** Configuration of `npm run holdfast`. */
export function loadHoldfastConfig(): z.infer<typeof holdfastSchema> {
  return loadConfigOrExit(() => parseConfig(holdfastSchema, process.env));
}

/** Configuration of `npm run status`. */
export function loadStatusConfig(): z.infer<typeof statusSchema> {
  return loadConfigOrExit(() => parseConfig(statusSchema, process.env));
}
