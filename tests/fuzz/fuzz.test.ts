import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { driveStack } from '../support/driven-stack.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { brokenAfterwards, fuzz } from './run-fuzz.ts';

const SEED = 20_270_104;
const REQUESTS = 2_000;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
}, 60_000);
afterAll(() => stack?.stop());

test('two thousand requests made of the document bring no 5xx, no answer that it does not allow, and nothing of one customer to another', async () => {
  const report = await fuzz(stack, await driveStack(stack), { seed: SEED, requests: REQUESTS });
  expect(report.findings).toEqual([]);
  expect([report.sent, report.operations.called]).toEqual([REQUESTS, report.operations.all]);
  // A run that is refused everywhere has tried nothing. About six in ten succeed; a new operation changes all that follows, so not more
  // than half is asked for.
  expect(report.operations.succeeded / report.operations.all).toBeGreaterThan(0.5);
  expect(report.byStatus['201']).toBeGreaterThan(25);
  expect(await brokenAfterwards(stack)).toEqual([]);
}, 240_000);
