import type { z } from 'zod';
import { commonServiceSchema, parseConfig, port, positiveInteger } from '@holdfast/shared/config';

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
  })
  .superRefine((env, context) => {
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
    databaseUrl: values.DATABASE_URL,
    natsUrl: values.NATS_URL,
    redisUrl: values.HOLDFAST_REDIS === 'off' ? null : (values.REDIS_URL ?? null),
    internalSecret: values.HOLDFAST_INTERNAL_SECRET,
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
  };
}
