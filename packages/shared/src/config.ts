import { z } from 'zod';
import type { SigningKey } from './http/body-signature.ts';

/** Exit code of a process whose configuration is wrong (EX_CONFIG of sysexits.h): a supervisor should not restart it. */
export const EXIT_CONFIG = 78;

/** Thrown by `parseConfig`; the message names every wrong variable, one a line, without its value where it is a secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration is wrong:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Checks environment variables against a schema, all at once. An empty string counts as not set, as shells and compose files
 * write it. @throws ConfigError naming every wrong variable.
 */
export function parseConfig<S extends z.ZodType>(schema: S, env: Record<string, string | undefined>): z.infer<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`));
}

/** Loads a configuration or ends the process with code 78 and every wrong variable named on stderr. */
export function loadConfigOrExit<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

/** Pieces that the services' schemas share. */
export const port = (fallback: number) =>
  z.coerce
    .number({ message: 'must be a port number' })
    .int('must be a port number')
    .min(0, 'must be a port number')
    .max(65535, 'must be at most 65535')
    .default(fallback);

export const positiveInteger = (fallback: number) =>
  z.coerce
    .number({ message: 'must be a whole number' })
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .default(fallback);

export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1)),
      `must be a URL with ${protocols.join(' or ')}://`,
    );

export const logLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info');

export const internalSecret = z
  .string({ message: 'is required' })
  .min(32, 'must have at least 32 characters; the same value in every service');

/** `<id>:<secret>,<id>:<secret>`, the current one first: both ends of a signed call know them, and a change overlaps. */
export const signingKeys = z.string().transform((text, context): readonly SigningKey[] => {
  const keys = text.split(',').map((part) => {
    const match = /^\s*([A-Za-z0-9_.-]{1,64}):(\S{16,})\s*$/.exec(part);
    return match ? { id: match[1]!, secret: match[2]! } : null;
  });
  if (keys.some((key) => key === null) || new Set(keys.map((key) => key?.id)).size < keys.length) {
    context.addIssue({
      code: 'custom',
      message: 'must be <key id>:<secret>, separated by commas, current first; each secret has at least 16 characters',
    });
    return z.NEVER;
  }
  return keys as SigningKey[];
});

/** The variables that every service reads. */
export const commonServiceSchema = z.object({
  DATABASE_URL: z.string({ message: 'is required' }).pipe(url('postgres', 'postgresql')),
  NATS_URL: z.string({ message: 'is required' }).pipe(url('nats', 'tls')),
  REDIS_URL: url('redis', 'rediss').optional(),
  HOLDFAST_REDIS: z.enum(['auto', 'off']).default('auto'),
  HOLDFAST_INTERNAL_SECRET: internalSecret,
  HOLDFAST_LOG_LEVEL: logLevel,
  HOLDFAST_HOST: z.string().default('127.0.0.1'),
});
