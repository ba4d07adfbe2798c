import { parseConfig, port } from '@holdfast/shared/config';
import { z } from 'zod';

const schema = z.object({
  HOLDFAST_HOST: z.string().default('127.0.0.1'),
  HOLDFAST_MAIL_PORT: port(8085),
  HOLDFAST_SMTP_PORT: port(8025),
});

export interface Config {
  readonly host: string;
  /** 0 lets the system choose, for both ports; the log line "listening" tells the choice. */
  readonly http_port: number;
  readonly smtp_port: number;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const parsed = parseConfig(schema, env);
  return { host: parsed.HOLDFAST_HOST, http_port: parsed.HOLDFAST_MAIL_PORT, smtp_port: parsed.HOLDFAST_SMTP_PORT };
}
