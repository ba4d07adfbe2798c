import { databaseUrl, parseConfig, secretFile, url } from '@holdfast/shared/config';
import { z } from 'zod';

const schema = z.object({
  HOLDFAST_POSTGRES_ADMIN_URL: databaseUrl,
  HOLDFAST_POSTGRES_ADMIN_URL_FILE: secretFile,
  HOLDFAST_IDENTITY_DATABASE_URL: databaseUrl,
  HOLDFAST_IDENTITY_DATABASE_URL_FILE: secretFile,
  HOLDFAST_BOOKING_DATABASE_URL: databaseUrl,
  HOLDFAST_BOOKING_DATABASE_URL_FILE: secretFile,
  HOLDFAST_PAYMENT_DATABASE_URL: databaseUrl,
  HOLDFAST_PAYMENT_DATABASE_URL_FILE: secretFile,
  HOLDFAST_NOTIFICATION_DATABASE_URL: databaseUrl,
  HOLDFAST_NOTIFICATION_DATABASE_URL_FILE: secretFile,
  HOLDFAST_DATABASE_WAIT_SECONDS: z.coerce
    .number({ message: 'must be a whole number' })
    .int('must be a whole number')
    .min(0, 'must not be negative')
    .default(60),
  NATS_URL: url('nats', 'tls').optional(),
});

/** The URLs as each service gets them, and the administrator's. */
export interface Config {
  readonly adminUrl: string;
  readonly urls: Readonly<Record<'identity' | 'booking' | 'payment' | 'notification', string>>;
  /** How long to wait for the server to answer, in seconds. */
  readonly waitSeconds: number;
  /** Of the server whose streams a restored database cannot go on with. */
  readonly natsUrl: string | undefined;
}

/** Reads the environment. @throws ConfigError naming every wrong variable. */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const values = parseConfig(schema, env);
  return {
    adminUrl: values.HOLDFAST_POSTGRES_ADMIN_URL,
    urls: {
      identity: values.HOLDFAST_IDENTITY_DATABASE_URL,
      booking: values.HOLDFAST_BOOKING_DATABASE_URL,
      payment: values.HOLDFAST_PAYMENT_DATABASE_URL,
      notification: values.HOLDFAST_NOTIFICATION_DATABASE_URL,
    },
    waitSeconds: values.HOLDFAST_DATABASE_WAIT_SECONDS,
    natsUrl: values.NATS_URL,
  };
}
