import { describe, expect, test } from '@jest/globals';
import { afterFailure, mayAttempt } from './delivery.ts';

describe('after a failed attempt', () => {
  const passing = { permanent: false, reason: '451' };

  test('tries again while attempts are left', () => {
    expect(afterFailure(1, 8, passing)).toEqual({ step: 'retry', afterAttempt: 1 });
    expect(afterFailure(7, 8, passing)).toEqual({ step: 'retry', afterAttempt: 7 });
  });

  test('gives up when none is left, and at once when the refusal is permanent', () => {
    expect(afterFailure(8, 8, passing)).toEqual({ step: 'give_up', cause: 'attempts_exhausted' });
    expect(afterFailure(1, 8, { permanent: true, reason: '550' })).toEqual({ step: 'give_up', cause: 'permanent' });
  });
});

test('an attempt beyond the last may not begin', () => {
  expect(mayAttempt(8, 8)).toBe(true);
  expect(mayAttempt(9, 8)).toBe(false);
});
