import { parseConfig, port, positiveInteger, signingKeys } from '@holdfast/shared/config';
import type { SigningKey } from '@holdfast/shared/http/body-signature';
import { z } from 'zod';

const schema = z.object({
  HOLDFAST_HOST: z.string().default('127.0.0.1'),
  HOLDFAST_QUOTER_PORT: port(8086),
  HOLDFAST_QUOTER_SECRETS: z.string({ message: 'is required' }).pipe(signingKeys),
  HOLDFAST_QUOTE_SECONDS: positiveInteger(120),
});

export interface Config {
  readonly host: string;
  /** 0 lets the system choose; the log line "listening" tells the choice. */
  readonly port: number;
  /** Questions must be signed with one of them; answers are signed with the first. */
  readonly keys: readonly SigningKey[];
  /** How long a quote is good for. */
  readonly quoteSeconds: number;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const parsed = parseConfig(schema, env);
  return {
    host: parsed.HOLDFAST_HOST,
    port: parsed.HOLDFAST_QUOTER_PORT,
    keys: parsed.HOLDFAST_QUOTER_SECRETS,
    quoteSeconds: parsed.HOLDFAST_QUOTE_SECONDS,
  };
}
