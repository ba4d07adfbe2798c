import { parseConfig, port } from '@holdfast/shared/config';
import { z } from 'zod';

const httpUrl = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);

const schema = z.object({
  HOLDFAST_HOST: z.string().default('127.0.0.1'),
  HOLDFAST_PROVIDER_PORT: port(8084),
  HOLDFAST_SIMULATOR_DATA_DIR: z.string({ message: 'is required: the folder that keeps the journal' }),
  HOLDFAST_SIMULATOR_CALLBACK_URL: z
    .string({ message: 'is required: the address that receives the signed callbacks' })
    .refine(httpUrl, 'must be an http or https URL'),
  HOLDFAST_SIMULATOR_WEBHOOK_SECRET: z
    .string({ message: 'is required: the key that signs callbacks' })
    .min(16, 'must have at least 16 characters'),
  HOLDFAST_SIMULATOR_API_KEY: z
    .string({ message: 'is required: the secret key that callers present' })
    .regex(/^sk_\S{8,}$/, 'must look like sk_test_… with at least 8 characters after sk_'),
  HOLDFAST_SIMULATOR_LATENCY_MS: z.coerce
    .number({ message: 'must be a whole number of milliseconds' })
    .int('must be a whole number of milliseconds')
    .min(0, 'must not be negative')
    .max(60_000, 'must be at most 60000')
    .default(5),
});

export interface Config {
  readonly host: string;
  /** 0 lets the system choose; the log line "listening" tells the choice. */
  readonly port: number;
  readonly data_dir: string;
  readonly callback_url: string;
  readonly webhook_secret: string;
  readonly api_key: string;
  /** Added to every API call, so that nobody builds on a provider that answers in no time. */
  readonly latency_ms: number;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const parsed = parseConfig(schema, env);
  return {
    host: parsed.HOLDFAST_HOST,
    port: parsed.HOLDFAST_PROVIDER_PORT,
    data_dir: parsed.HOLDFAST_SIMULATOR_DATA_DIR,
    callback_url: parsed.HOLDFAST_SIMULATOR_CALLBACK_URL,
    webhook_secret: parsed.HOLDFAST_SIMULATOR_WEBHOOK_SECRET,
    api_key: parsed.HOLDFAST_SIMULATOR_API_KEY,
    latency_ms: parsed.HOLDFAST_SIMULATOR_LATENCY_MS,
  };
}
