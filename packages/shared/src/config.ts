import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { SigningKey } from './http/body-signature.ts';
import { SecretFile } from './secrets/secret-file.ts';
import type { SecretRing } from './secrets/secret-ring.ts';

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
export function parseConfig<S extends z.ZodType>(schema: S, env: Environment): z.infer<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems: string[] = [];
  for (const [name, path] of Object.entries(given)) {
    if (!name.endsWith(FILE) || !knows(schema, name)) continue;
    const secret = name.slice(0, -FILE.length);
    if (given[secret] !== undefined) problems.push(`${name}: goes instead of ${secret}, not together with it`);
    else if (path !== undefined) {
      try {
        given[secret] = oneLine(readFileSync(path, 'utf8'));
      } catch (error) {
        problems.push(`${name}: cannot be read (${(error as { code?: string }).code ?? 'unknown'})`);
      }
    }
  }
  const result = schema.safeParse(given);
  if (result.success && problems.length === 0) return result.data;
  const issues = result.error?.issues ?? [];
  throw new ConfigError([
    ...problems,
    ...issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`),
  ]);
}

function knows(schema: z.ZodType, name: string): boolean {
  return schema instanceof z.ZodObject && name in schema.shape;
}

type Environment = Record<string, string | undefined>;

/** `NAME_FILE` names a file that holds what `NAME` would. */
const FILE = '_FILE';

/** Secrets stand one a line in a file, and between commas in a variable. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ',');
}

/**
 * The secrets of a variable that `parseConfig` has found to be good. Where they stand in a file (`NAME_FILE`) they are read again while
 * the process runs. `schema` is the variable's; a text that it refuses later is not used.
 */
export function secretsOf(env: Environment, name: string, schema: z.ZodType<string | readonly string[]>): SecretRing {
  const parse = (text: string) => {
    const result = schema.safeParse(oneLine(text));
    if (!result.success) return null;
    return typeof result.data === 'string' ? [result.data] : result.data;
  };
  const path = env[`${name}${FILE}`];
  // There is no logger yet, and a warning of the process reaches the same place as its log.
  if (path) return new SecretFile(path, { parse, onProblem: (problem) => process.emitWarning(problem) });
  const values = parse(env[name] ?? '') ?? [];
  return { values: () => values };
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

/** Texts between commas. */
export const commaList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** What stands in examples, and what somebody types who wants to be done. */
const PLACEHOLDER = /change.?me|replace.?me|your.?secret|placeholder|^example/i;

/** Whether nobody would find a secret by trying: it has more than a few different characters and is no placeholder. */
export function isUnguessable(secret: string): boolean {
  return new Set(secret).size >= 10 && !PLACEHOLDER.test(secret);
}

export const internalSecret = z
  .string({ message: 'is required' })
  .transform(commaList)
  .refine(
    (secrets) => secrets.length > 0 && secrets.every((secret) => secret.length >= 32),
    'must have at least 32 characters; the same value in every service',
  )
  .refine((secrets) => secrets.every(isUnguessable), 'can be guessed; make one with: openssl rand -base64 32');

/** Path of a file with a secret, in place of the variable of the same name without `_FILE`. */
export const secretFile = z.string().optional();

/** One URL, or those of several servers of a cluster between commas. */
export const natsUrl = z
  .string({ message: 'is required' })
  .refine(
    (text) => commaList(text).length > 0 && commaList(text).every((each) => url('nats', 'tls').safeParse(each).success),
    'must be a URL with nats or tls://, or several between commas',
  );

/** How many servers keep each stream: JetStream goes on while more than half of them do. */
export const natsReplicas = z.enum(['1', '3', '5'], { message: 'must be 1, 3 or 5' }).default('1').transform(Number);

export const redisUrl = url('redis', 'rediss');

/** Where Redis is, null for an installation without. `values` of `commonServiceSchema`. */
export function redisUrlOf(env: Environment, values: { HOLDFAST_REDIS: string; REDIS_URL?: string | undefined }) {
  return values.HOLDFAST_REDIS === 'off' || values.REDIS_URL === undefined
    ? null
    : secretsOf(env, 'REDIS_URL', redisUrl);
}

export const databaseUrl = z.string({ message: 'is required' }).pipe(url('postgres', 'postgresql'));

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

/** The same as texts, for keys that are read again. */
const signingKeyTexts = z
  .string()
  .refine((text) => signingKeys.safeParse(text).success)
  .transform(commaList);

/** Keys of a variable that `signingKeys` has found to be good, asked for each time: in a file they may change. */
export function signingKeysOf(env: Environment, name: string): () => readonly SigningKey[] {
  const ring = secretsOf(env, name, signingKeyTexts);
  return () =>
    ring.values().map((text) => {
      const colon = text.indexOf(':');
      return { id: text.slice(0, colon), secret: text.slice(colon + 1) };
    });
}

/** The variables that every service reads. */
export const commonServiceSchema = z.object({
  DATABASE_URL: databaseUrl,
  DATABASE_URL_FILE: secretFile,
  NATS_URL: natsUrl,
  NATS_URL_FILE: secretFile,
  HOLDFAST_NATS_REPLICAS: natsReplicas,
  REDIS_URL: redisUrl.optional(),
  REDIS_URL_FILE: secretFile,
  HOLDFAST_REDIS: z.enum(['auto', 'off']).default('auto'),
  HOLDFAST_INTERNAL_SECRET: internalSecret,
  HOLDFAST_INTERNAL_SECRET_FILE: secretFile,
  HOLDFAST_LOG_LEVEL: logLevel,
  HOLDFAST_HOST: z.string().default('127.0.0.1'),
});
