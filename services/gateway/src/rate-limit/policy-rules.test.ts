import { describe, expect, test } from '@jest/globals';
import { DEFAULT_POLICIES, readPolicies } from './policy-rules.ts';

describe('the configured limits', () => {
  test('are the defaults where nothing is said', () => {
    const { policies, wrong } = readPolicies('', 1);
    expect(wrong).toEqual([]);
    expect(Object.keys(policies).sort()).toEqual(Object.keys(DEFAULT_POLICIES).sort());
    expect(policies.user).toEqual({ name: 'user', limit: 100, windowSeconds: 60, burst: 20 });
    expect(policies.address).toEqual({ name: 'address', limit: 10_000, windowSeconds: 60, burst: 0 });
    expect(policies.login_failures_account).toMatchObject({ limit: 5, windowSeconds: 900 });
    expect(policies.login_failures_address).toMatchObject({ limit: 20, windowSeconds: 900 });
  });

  test('replace single ones', () => {
    const { policies, wrong } = readPolicies(' user = 7/10s+3 , callback=5/1s', 1);
    expect(wrong).toEqual([]);
    expect(policies.user).toEqual({ name: 'user', limit: 7, windowSeconds: 10, burst: 3 });
    expect(policies.callback).toMatchObject({ limit: 5, windowSeconds: 1, burst: 0 });
    expect(policies.checkout).toMatchObject({ limit: 120, burst: 60 });
  });

  test.each([
    ['users=1/1s', 'there is no limit named users'],
    ['constructor=1/1s', 'there is no limit named constructor'],
    ['user', 'user must look like'],
    ['user=', 'user must look like'],
    ['user=10', 'user must look like'],
    ['user=10/60', 'user must look like'],
    ['user=0/60s', 'user must look like'],
    ['user=10/0s', 'user must look like'],
    ['user=-1/60s', 'user must look like'],
    ['user=1e3/60s', 'user must look like'],
    ['user=10/60s+', 'user must look like'],
  ])('%s is wrong and said to be', (text, message) => {
    const { policies, wrong } = readPolicies(text, 1);
    expect(wrong).toEqual([expect.stringContaining(message)]);
    expect(policies.user.limit).toBe(100);
  });

  test('are all multiplied by the scale, and none becomes nothing', () => {
    const large = readPolicies('', 1_000).policies;
    expect([large.user.limit, large.user.burst, large.login_failures_account.limit]).toEqual([100_000, 20_000, 5_000]);
    const small = readPolicies('', 0.01).policies;
    expect([small.user.limit, small.user.burst, small.login_failures_account.limit]).toEqual([1, 0, 1]);
  });
});
