import pino, { type Logger } from 'pino';
import { LogOutput } from './log-output.ts';

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

const STDOUT = 1;
let stdout: LogOutput | null = null;

let timeAt = -1;
let timeText = '';

/** The time of a line. Lines of one millisecond share the text. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeAt) {
    timeAt = now;
    timeText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return timeText;
}

/** One JSON line per record on stdout, with the service's name. */
export function createLogger(options: { service: string; level: string }): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid },
    timestamp: isoTime,
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
  };
  return pino(settings, (stdout ??= new LogOutput(STDOUT)));
}
