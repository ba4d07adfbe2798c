import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '@holdfast/shared/config';
import { loadConfig } from './config.ts';

const RIGHT = {
  HOLDFAST_SIMULATOR_DATA_DIR: 'data',
  HOLDFAST_SIMULATOR_CALLBACK_URL: 'http://127.0.0.1:8080/v1/webhooks/stripe',
  HOLDFAST_SIMULATOR_WEBHOOK_SECRET: 'whsec_0123456789',
  HOLDFAST_SIMULATOR_API_KEY: 'sk_test_0123456789',
};

describe('the configuration', () => {
  test('needs only what has no sensible default', () => {
    expect(loadConfig(RIGHT)).toMatchObject({ host: '127.0.0.1', port: 8084, latency_ms: 5 });
  });

  test('names every wrong variable at once, and no secret', () => {
    const wrong = {
      ...RIGHT,
      HOLDFAST_PROVIDER_PORT: '70000',
      HOLDFAST_SIMULATOR_CALLBACK_URL: 'ftp://x',
      HOLDFAST_SIMULATOR_WEBHOOK_SECRET: 'hush',
      HOLDFAST_SIMULATOR_LATENCY_MS: '-1',
    };
    const { problems } = failureOf(() => loadConfig(wrong));
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(
      new Set([
        'HOLDFAST_PROVIDER_PORT',
        'HOLDFAST_SIMULATOR_CALLBACK_URL',
        'HOLDFAST_SIMULATOR_LATENCY_MS',
        'HOLDFAST_SIMULATOR_WEBHOOK_SECRET',
      ]),
    );
    expect(problems.join()).not.toContain('hush');
  });
});

function failureOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
