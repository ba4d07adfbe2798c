import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import type { Answer, IntentPage } from '../provider/provider.ts';
import { openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { playProvider } from '../testing/played-provider.ts';
import { SweepLoop } from './sweep-loop.ts';

const HOUR_MS = 3_600_000;
let bench: OperationsBench;
beforeAll(async () => {
  bench = await openOperationsBench();
}, 30_000);
afterAll(() => bench.close());

test('each day is swept once by all processes, an hour over the last one, and again soon when it was cut short', async () => {
  const empty: Answer<IntentPage> = { kind: 'ok', value: { intents: [], next: null } };
  const answers: Answer<IntentPage>[] = [empty, { kind: 'unknown', reason: 'no_answer' }, empty];
  const windows: { from: Date; to: Date }[] = [];
  const provider = playProvider({
    listIntents: ({ from, to }) => {
      windows.push({ from, to });
      return Promise.resolve(answers[windows.length - 1]!);
    },
  });
  const logger = createLogger({ service: 'payment-test', level: 'silent' });
  const replica = () => new SweepLoop({ pool: bench.pool, provider, logger, onSettled: () => undefined });
  const replicas = [replica(), replica(), replica()];
  const round = async () => (await Promise.all(replicas.map((each) => each.runOnce()))).filter(Boolean).length;

  expect([await round(), await round()]).toEqual([1, 0]);
  await bench.database.advanceClock(23 * HOUR_MS);
  expect(await round()).toBe(0);
  await bench.database.advanceClock(HOUR_MS + 1_000);
  expect([await round(), await round()]).toEqual([1, 0]);
  await bench.database.advanceClock(HOUR_MS / 6 + 1_000);
  expect([await round(), await round()]).toEqual([1, 0]);

  const [first, cutShort, again] = windows;
  expect(first!.to.getTime() - first!.from.getTime()).toBe(25 * HOUR_MS);
  expect(first!.to.getTime() - cutShort!.from.getTime()).toBe(HOUR_MS);
  expect(again!.from).toEqual(cutShort!.from);
});
