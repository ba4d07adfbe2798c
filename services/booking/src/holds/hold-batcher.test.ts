import { describe, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import pg from 'pg';
import { aHold } from '../testing/booking-fixture.ts';
import { HoldBatcher, OverloadedError } from './hold-batcher.ts';
import type { HoldCommand } from './hold-command.ts';
import type { HoldResult } from './settle-hold-batch.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const event = 'evt_01jd00000000000000000000zz';
const hold = (key: string) => aHold({ event_id: event, quantity: 1 }, { key });
const answered = (command: HoldCommand): HoldResult => ({
  kind: 'answered',
  replayed: false,
  answer: { status: 201, headers: {}, body: command.key },
});
const databaseError = (code: string, constraint?: string) =>
  Object.assign(new pg.DatabaseError('refused', 1, 'error'), { code, ...(constraint ? { constraint } : {}) });

/** A batcher over a settle function that the test writes; remembers the batches it saw. */
function setup(
  settle: (keys: string[]) => void | Promise<void>,
  options: { maxBatch?: number; maxWaiting?: number } = {},
) {
  const batches: string[][] = [];
  const batcher = new HoldBatcher({
    logger,
    onSettled: () => undefined,
    ...options,
    settle: async (commands) => {
      const keys = commands.map(({ key }) => key);
      batches.push(keys);
      await settle(keys);
      return commands.map(answered);
    },
  });
  return { batcher, batches };
}

describe('gathering', () => {
  test('what arrives in one turn is one batch, and each gets its own answer', async () => {
    const { batcher, batches } = setup(() => undefined);
    const results = await Promise.all(['a', 'b', 'c'].map((key) => batcher.submit(hold(key))));
    expect(batches).toEqual([['a', 'b', 'c']]);
    expect(results.map((result) => result.kind === 'answered' && result.answer.body)).toEqual(['a', 'b', 'c']);
  });

  test('at most two batches are under way, none larger than the limit', async () => {
    let running = 0;
    let most = 0;
    const { batcher, batches } = setup(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
      { maxBatch: 10 },
    );
    await Promise.all(Array.from({ length: 95 }, (_, i) => batcher.submit(hold(`k${i}`))));
    expect(most).toBe(2);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(10);
    expect(batches.flat()).toHaveLength(95);
  });

  test('a full queue refuses at once', async () => {
    const { batcher } = setup(() => undefined, { maxWaiting: 1 });
    const first = batcher.submit(hold('a'));
    await expect(batcher.submit(hold('b'))).rejects.toBeInstanceOf(OverloadedError);
    await first;
  });
});

describe('when a batch fails', () => {
  test('a deadlock or a surprise of a constraint runs it again', async () => {
    for (const error of [databaseError('40P01'), databaseError('23505', 'seat_claims_one_live')]) {
      let failures = 1;
      const { batcher, batches } = setup(() => {
        if (failures-- > 0) throw error;
      });
      expect(await batcher.submit(hold('a'))).toMatchObject({ kind: 'answered' });
      expect(batches).toHaveLength(2);
    }
  });

  test('a data error of one command fails that one alone', async () => {
    const { batcher } = setup((keys) => {
      if (keys.includes('bad')) throw databaseError('22021');
    });
    const results = await Promise.allSettled(['a', 'b', 'bad', 'c', 'd'].map((key) => batcher.submit(hold(key))));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  test('a lost connection is tried once more, because the COMMIT may have happened, and then told', async () => {
    const { batcher, batches } = setup(() => {
      throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
    });
    await expect(batcher.submit(hold('a'))).rejects.toThrow('Connection terminated');
    expect(batches).toHaveLength(2);
  });
});
