import { expect, test } from '@jest/globals';
import { ConfigError } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';

const valid = {
  DATABASE_URL: 'postgres://u:p@127.0.0.1/holdfast',
  NATS_URL: 'nats://127.0.0.1:4222',
  HOLDFAST_INTERNAL_SECRET: 'a secret of the tests that has 32 characters',
  HOLDFAST_SMTP_URL: 'smtp://127.0.0.1:8025',
};

test('has defaults for everything that is not a server or a secret', () => {
  expect(loadConfig(valid)).toMatchObject({
    port: 8083,
    mail: { from: 'Holdfast <bookings@holdfast.example>', publicUrl: 'http://127.0.0.1:8080' },
    maxSendAttempts: 8,
  });
});

test('names every wrong variable at once', () => {
  const load = () =>
    loadConfig({
      ...valid,
      HOLDFAST_SMTP_URL: 'http://mail',
      HOLDFAST_MAIL_FROM: 'nobody',
      HOLDFAST_PUBLIC_URL: 'ftp://x',
      HOLDFAST_NOTIFICATION_PORT: 'eighty',
      HOLDFAST_MAX_SEND_ATTEMPTS: '0',
    });
  expect(load).toThrow(ConfigError);
  for (const name of ['SMTP_URL', 'MAIL_FROM', 'PUBLIC_URL', 'NOTIFICATION_PORT', 'MAX_SEND_ATTEMPTS']) {
    expect(load).toThrow(`HOLDFAST_${name}`);
  }
});
