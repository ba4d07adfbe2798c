import { afterEach, expect, test } from '@jest/globals';
import { startServiceProcess, type ServiceName, type ServiceProcess } from '@holdfast/shared/testing/service-process';

/** EX_CONFIG of sysexits.h: a supervisor need not try again. */
const EXIT_CONFIG = 78;
const WRONG = {
  DATABASE_URL: 'mysql://nowhere',
  NATS_URL: 'nowhere',
  HOLDFAST_INTERNAL_SECRET: 'too short',
  HOLDFAST_LOG_LEVEL: 'loud',
};

let started: ServiceProcess | null = null;
afterEach(() => started?.kill());

test.each<[ServiceName, Record<string, string>]>([
  [
    'gateway',
    {
      DATABASE_URL: WRONG.DATABASE_URL,
      HOLDFAST_INTERNAL_SECRET: WRONG.HOLDFAST_INTERNAL_SECRET,
      HOLDFAST_LOG_LEVEL: 'loud',
      HOLDFAST_BOOKING_URL: 'ftp://booking',
      HOLDFAST_ADMIN_EMAIL: 'nobody',
      HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/99',
    },
  ],
  ['booking', { ...WRONG, HOLDFAST_HOLD_SECONDS: '0', HOLDFAST_MAX_HOLDS_PER_USER: 'many' }],
  [
    'payment',
    {
      ...WRONG,
      STRIPE_API_KEY: 'pk_public',
      STRIPE_API_BASE: 'stripe',
      HOLDFAST_STRIPE_WEBHOOK_SECRETS: 'short',
      HOLDFAST_WEBHOOK_ALLOWED_CIDRS: 'everywhere',
    },
  ],
  ['notification', { ...WRONG, HOLDFAST_SMTP_URL: 'http://mail', HOLDFAST_MAIL_FROM: 'nobody' }],
  ['provider-simulator', { HOLDFAST_SIMULATOR_CALLBACK_URL: 'x', HOLDFAST_SIMULATOR_API_KEY: 'x' }],
  ['mail-catcher', { HOLDFAST_SMTP_PORT: '70000' }],
])('%s with a wrong configuration does not start, and names each wrong variable at once', async (service, env) => {
  started = await startServiceProcess({ service, env, waitForReady: false });

  expect((await started.exited).code).toBe(EXIT_CONFIG);
  const words = started.lines.join('\n');
  expect(Object.keys(env).filter((name) => !words.includes(name))).toEqual([]);
  // A value may be a secret that was put into the wrong place.
  expect(words).not.toContain(WRONG.HOLDFAST_INTERNAL_SECRET);
});
