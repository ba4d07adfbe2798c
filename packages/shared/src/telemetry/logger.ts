import pino, { type Logger } from 'pino';

export type { Logger };

/** Paths whose values never reach a log (G12). Ids are fine; names, addresses, tokens and secrets are not. */
const REDACT = [
  'authorization',
  'password',
  'token',
  'access_token',
  'refresh_token',
  'secret',
  'api_key',
  'email',
  'cookie',
  '*.authorization',
  '*.password',
  '*.token',
  '*.access_token',
  '*.refresh_token',
  '*.secret',
  '*.api_key',
  '*.email',
  '*.cookie',
  'err.config',
];

/** One JSON line per record on stdout, with the service's name. */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACT, censor: '[redacted]' },
    serializers: {
      err: (error: unknown) => {
        const serialized = pino.stdSerializers.err(error as Error);
        // A database error carries the offending row in `detail`; that row may hold personal data.
        return {
          type: serialized.type,
          message: serialized.message,
          stack: serialized.stack,
          code: serialized['code'] as unknown,
        };
      },
    },
  });
}
