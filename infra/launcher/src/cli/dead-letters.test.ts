import { expect, test } from '@jest/globals';
import type { DeadLetterReplayJson } from '@holdfast/shared/contracts/dead-letter-replays';
import { newId } from '@holdfast/shared/ids';
import { deadLetters, readFilter, toTheEnd } from './dead-letters.ts';

const job = (over: Partial<DeadLetterReplayJson> = {}): DeadLetterReplayJson => ({
  ...{ id: newId('rpl'), object: 'dead_letter_replay', dry_run: false, state: 'DONE', rate_per_second: 10 },
  ...{ actor: 'usr_x', created_at: '2027-01-01T00:00:00.000Z', total: 2, waiting: 0, replayed: 2, skipped: 0 },
  ...{ took_effect: 2, failed_again: 0, services: [], unreachable: [], ...over },
});

/** A gateway that gives these answers one after the other, the last one again and again. */
function answering(...answers: unknown[]) {
  const asked: [string, unknown?][] = [];
  const next = <T>(call: [string, unknown?]): Promise<T> => {
    asked.push(call);
    return Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) as T);
  };
  return {
    asked,
    get: <T>(path: string) => next<T>([path]),
    post: <T>(path: string, body: unknown) => next<T>([path, body]),
  };
}

test('a filter is read of name=value, and what is none is refused', () => {
  expect(readFilter([])).toEqual({ filter: {} });
  expect(readFilter(['service=payment', 'cause=permanent', 'rate=5'])).toEqual({
    filter: { service: 'payment', cause: 'permanent' },
    rate_per_second: 5,
  });
  for (const operand of ['permanent', 'colour=red', 'rate=fast', 'cause=', '--cause=x']) {
    expect(() => readFilter([operand])).toThrow(operand);
  }
});

test('replay-all is followed until everything took effect', async () => {
  const api = answering(job({ took_effect: 0 }), job({ took_effect: 2 }));
  const running = job({ state: 'RUNNING', waiting: 2, replayed: 0, took_effect: 0 });
  expect(await toTheEnd(api, running, 1)).toMatchObject({ exitCode: 0, json: { took_effect: 2 } });
  expect(api.asked).toHaveLength(2);
});

test('letters that fail again, or a service that has no part, are no success', async () => {
  const failed = job({ took_effect: 1, failed_again: 1 });
  expect(await toTheEnd(answering(failed), failed, 1)).toMatchObject({ exitCode: 1 });
  const begun = job({ unreachable: ['payment'] });
  expect(await toTheEnd(answering(job()), begun, 1)).toMatchObject({ exitCode: 1 });
});

test('each verb is its call', async () => {
  const counted = { services: [], unreachable: [], total: 0, unreadable: 0 };
  const api = answering(counted);
  await deadLetters(api, ['count', 'service=payment']);
  expect(api.asked).toEqual([['/v1/ops/dead-letters/replay', { filter: { service: 'payment' }, dry_run: true }]]);
  await expect(deadLetters(api, ['discard'])).rejects.toThrow('takes an id');
  await expect(deadLetters(api, ['burn', 'dlq_1'])).rejects.toThrow('burn');
  expect(api.asked).toHaveLength(1);
});
