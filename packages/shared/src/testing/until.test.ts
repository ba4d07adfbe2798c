import { expect, test } from '@jest/globals';
import { until } from './until.ts';

test('returns what the probe finds at last, past its errors and empty answers', async () => {
  const answers = [() => undefined, () => Promise.reject(new Error('not yet')), () => false as const, () => 'here'];
  expect(await until('an answer', () => answers.shift()?.())).toBe('here');
});

test('names what it waited for, and why the last look failed', async () => {
  const waiting = until('the mail', () => Promise.reject(new Error('refused')), 1);
  await expect(waiting).rejects.toMatchObject({ message: 'waited 1 ms for the mail', cause: new Error('refused') });
});
