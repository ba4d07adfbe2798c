import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  ConfigError,
  commonServiceSchema,
  loadConfigOrExit,
  parseConfig,
  port,
  positiveInteger,
  url,
} from './config.ts';

const valid = {
  DATABASE_URL: 'postgres://u:p@127.0.0.1/holdfast',
  NATS_URL: 'nats://127.0.0.1:4222',
  HOLDFAST_INTERNAL_SECRET: 'a secret of the tests that has 32 characters',
};

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the variables that every service reads', () => {
  test('have defaults where a default is safe', () => {
    expect(parseConfig(commonServiceSchema, valid)).toMatchObject({
      HOLDFAST_REDIS: 'auto',
      HOLDFAST_LOG_LEVEL: 'info',
      HOLDFAST_HOST: '127.0.0.1',
    });
  });

  test('are all named at once when they are wrong, without the value of a secret', () => {
    const problems = problemsOf(() =>
      parseConfig(commonServiceSchema, {
        DATABASE_URL: 'mysql://u:hunter2@db/x',
        HOLDFAST_INTERNAL_SECRET: 'too short',
        HOLDFAST_LOG_LEVEL: 'loud',
        HOLDFAST_REDIS: 'maybe',
      }),
    );
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(
      new Set(['DATABASE_URL', 'HOLDFAST_INTERNAL_SECRET', 'HOLDFAST_LOG_LEVEL', 'HOLDFAST_REDIS', 'NATS_URL']),
    );
    expect(problems.join('\n')).not.toMatch(/hunter2|too short/);
  });

  test('count as not set when empty, as shells and compose files write it', () => {
    expect(parseConfig(commonServiceSchema, { ...valid, HOLDFAST_LOG_LEVEL: '', REDIS_URL: '' })).toMatchObject({
      HOLDFAST_LOG_LEVEL: 'info',
    });
    expect(problemsOf(() => parseConfig(commonServiceSchema, { ...valid, NATS_URL: '' }))).toEqual([
      'NATS_URL: is required',
    ]);
  });
});

test.each(['-1', '65536', '80.5', 'http', '0x'])('a port is not %s', (value) => {
  expect(problemsOf(() => parseConfig(z.object({ PORT: port(1) }), { PORT: value }))).toHaveLength(1);
});

test('port 0 asks for a free one', () => {
  expect(parseConfig(z.object({ PORT: port(8080) }), { PORT: '0' })).toEqual({ PORT: 0 });
});

test.each(['0', '-5', '1.5', 'ten'])('a positive whole number is not %s', (value) => {
  expect(problemsOf(() => parseConfig(z.object({ N: positiveInteger(3) }), { N: value }))).toHaveLength(1);
});

test('a URL has one of the protocols asked for', () => {
  const schema = z.object({ U: url('redis', 'rediss') });
  expect(parseConfig(schema, { U: 'rediss://h:1' })).toEqual({ U: 'rediss://h:1' });
  expect(problemsOf(() => parseConfig(schema, { U: 'http://h' }))).toEqual([
    'U: must be a URL with redis or rediss://',
  ]);
  expect(problemsOf(() => parseConfig(schema, { U: 'no url' }))).toHaveLength(1);
});

test('errors that are none of the configuration are passed on', () => {
  expect(() =>
    loadConfigOrExit(() => {
      throw new TypeError('a bug');
    }),
  ).toThrow(TypeError);
});
