import { expect, test } from '@jest/globals';
import { MessageBatches, type Waiting } from './message-batches.ts';

const message = (n: number) => ({ n }) as unknown as Waiting;
const numberOf = (waiting: Waiting) => (waiting as unknown as { n: number }).n;

test('what comes in one turn travels together, what comes while that is under way is the next batch', async () => {
  const batches: number[][] = [];
  const gate = Promise.withResolvers<void>();
  const batching = new MessageBatches(
    async (batch) => {
      batches.push(batch.map(numberOf));
      await gate.promise;
    },
    { most: 3, sideBySide: 1 },
  );
  const first = [1, 2].map((n) => batching.add(message(n)));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  const later = [3, 4, 5, 6].map((n) => batching.add(message(n)));
  gate.resolve();
  await Promise.all([...first, ...later]);
  expect(batches).toEqual([[1, 2], [3, 4, 5], [6]]);
});
