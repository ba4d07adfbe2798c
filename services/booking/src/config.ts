import { z } from 'zod';
import {
  commonServiceSchema,
  databaseUrl,
  internalSecret,
  parseConfig,
  natsUrl,
  redisUrlOf,
  secretsOf,
  port,
  positiveInteger,
  secretFile,
  signingKeys,
  signingKeysOf,
  url,
} from '@holdfast/shared/config';
import type { PlatformFee } from './pricing/platform-fee-rules.ts';

/** `EUR:50,GBP:40`: minor units by currency. */
const amountsByCurrency = z
  .string()
  .default('')
  .transform((text, context) => {
    const amounts = new Map<string, bigint>();
    for (const part of text.split(',').filter((each) => each.trim() !== '')) {
      const match = /^\s*([A-Z]{3}):(\d{1,9})\s*$/.exec(part);
      if (!match || amounts.has(match[1]!)) {
        context.addIssue({
          code: 'custom',
          message: 'must look like EUR:50,GBP:40: minor units by currency, each currency once',
        });
        return z.NEVER;
      }
      amounts.set(match[1]!, BigInt(match[2]!));
    }
    return amounts;
  });

const schema = commonServiceSchema
  .extend({
    HOLDFAST_BOOKING_PORT: port(8081),
    HOLDFAST_HOLD_SECONDS: positiveInteger(600),
    HOLDFAST_PAYMENT_EXTENSION_SECONDS: positiveInteger(900),
    HOLDFAST_HOLD_MAX_SECONDS: positiveInteger(1800),
    HOLDFAST_WAITLIST_OFFER_SECONDS: positiveInteger(3600),
    HOLDFAST_MAX_HOLDS_PER_USER: positiveInteger(5),
    HOLDFAST_MAX_WAITS_PER_USER: positiveInteger(20),
    HOLDFAST_MAX_PLACES_PER_BOOKING: positiveInteger(10),
    HOLDFAST_SERIES_WINDOW_DAYS: positiveInteger(28),
    HOLDFAST_SERIES_HOLD_SECONDS: positiveInteger(172800),
    HOLDFAST_MAX_SERIES_PER_USER: positiveInteger(10),
    HOLDFAST_MAX_SERIES_HOLDS_PER_USER: positiveInteger(50),
    HOLDFAST_PLATFORM_FEE_BASIS_POINTS: z.coerce
      .number({ message: 'must be a whole number' })
      .int('must be a whole number')
      .min(0, 'must not be negative')
      .max(10_000, 'must be at most 10000, which is 100 %')
      .default(0),
    HOLDFAST_PLATFORM_FEE_PER_BOOKING: amountsByCurrency,
    HOLDFAST_PLATFORM_FEE_PER_PLACE: amountsByCurrency,
    HOLDFAST_QUOTER_URL: url('http', 'https').optional(),
    HOLDFAST_QUOTER_SECRETS: signingKeys.optional(),
    HOLDFAST_QUOTER_SECRETS_FILE: secretFile,
    HOLDFAST_QUOTER_TIMEOUT_MS: positiveInteger(2000).pipe(
      z.number().max(2000, 'must be at most 2000: a hold is answered within 2.8 s'),
    ),
    HOLDFAST_QUOTER_BREAK_MS: positiveInteger(5000),
  })
  .superRefine((env, context) => {
    if (env.HOLDFAST_QUOTER_URL !== undefined && env.HOLDFAST_QUOTER_SECRETS === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['HOLDFAST_QUOTER_SECRETS'],
        message: 'is required with HOLDFAST_QUOTER_URL: a price that nobody signed is not believed',
      });
    }
    if (env.HOLDFAST_HOLD_MAX_SECONDS < env.HOLDFAST_HOLD_SECONDS) {
      context.addIssue({
        code: 'custom',
        path: ['HOLDFAST_HOLD_MAX_SECONDS'],
        message: 'must not be below HOLDFAST_HOLD_SECONDS',
      });
    }
  });

export type Config = ReturnType<typeof loadConfig>;

/** The only reader of the environment in this service. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env) {
  const values: z.output<typeof schema> = parseConfig(schema, env);
  return {
    host: values.HOLDFAST_HOST,
    port: values.HOLDFAST_BOOKING_PORT,
    databaseUrl: secretsOf(env, 'DATABASE_URL', databaseUrl),
    natsUrl: secretsOf(env, 'NATS_URL', natsUrl),
    natsReplicas: values.HOLDFAST_NATS_REPLICAS,
    redisUrl: redisUrlOf(env, values),
    internalSecret: secretsOf(env, 'HOLDFAST_INTERNAL_SECRET', internalSecret),
    logLevel: values.HOLDFAST_LOG_LEVEL,
    hold: {
      holdSeconds: values.HOLDFAST_HOLD_SECONDS,
      paymentExtensionSeconds: values.HOLDFAST_PAYMENT_EXTENSION_SECONDS,
      holdMaxSeconds: values.HOLDFAST_HOLD_MAX_SECONDS,
      offerSeconds: values.HOLDFAST_WAITLIST_OFFER_SECONDS,
    },
    limits: {
      holdsPerUser: values.HOLDFAST_MAX_HOLDS_PER_USER,
      waitsPerUser: values.HOLDFAST_MAX_WAITS_PER_USER,
      placesPerBooking: values.HOLDFAST_MAX_PLACES_PER_BOOKING,
      fee: {
        basisPoints: values.HOLDFAST_PLATFORM_FEE_BASIS_POINTS,
        perBooking: values.HOLDFAST_PLATFORM_FEE_PER_BOOKING,
        perPlace: values.HOLDFAST_PLATFORM_FEE_PER_PLACE,
      } satisfies PlatformFee,
    },
    series: {
      times: {
        windowSeconds: values.HOLDFAST_SERIES_WINDOW_DAYS * 86_400,
        holdSeconds: values.HOLDFAST_SERIES_HOLD_SECONDS,
      },
      limits: {
        seriesPerUser: values.HOLDFAST_MAX_SERIES_PER_USER,
        holdsPerUser: values.HOLDFAST_MAX_SERIES_HOLDS_PER_USER,
      },
    },
    quoter:
      values.HOLDFAST_QUOTER_URL === undefined || values.HOLDFAST_QUOTER_SECRETS === undefined
        ? null
        : {
            url: values.HOLDFAST_QUOTER_URL,
            keys: signingKeysOf(env, 'HOLDFAST_QUOTER_SECRETS'),
            timeoutMs: values.HOLDFAST_QUOTER_TIMEOUT_MS,
            breakMs: values.HOLDFAST_QUOTER_BREAK_MS,
          },
  };
}
