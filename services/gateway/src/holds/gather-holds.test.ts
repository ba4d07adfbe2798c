import { afterEach, describe, expect, jest, test } from '@jest/globals';
import {
  HoldGatherer,
  TransportError,
  type GathererOptions,
  type HoldAnswer,
  type HoldOutcome,
} from './gather-holds.ts';

interface SentCommand {
  assertion: string;
  key: string | null;
  deadline_ms: number;
  body: { n: number };
}

interface Call {
  readonly commands: SentCommand[];
  readonly timeoutMs: number;
  /** Answers each command with its own number, or as told. */
  answer(answers?: HoldAnswer[]): void;
  fail(error: Error): void;
}

/** Until everything that waits for this turn of the event loop has run. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const answerTo = (command: SentCommand): HoldAnswer => ({ status: 201, body: String(command.body.n) });

/** A gatherer over a transport that the test answers by hand, and a clock that the test moves. */
function setup(options: Partial<GathererOptions> = {}) {
  const calls: Call[] = [];
  const clock = { now: 0 };
  const gatherer = new HoldGatherer({
    transport: (payload, timeoutMs) =>
      new Promise((resolve, reject) => {
        const { commands } = JSON.parse(payload) as { commands: SentCommand[] };
        calls.push({
          commands,
          timeoutMs,
          answer: (answers = commands.map(answerTo)) => resolve(answers),
          fail: reject,
        });
      }),
    now: () => clock.now,
    ...options,
  });
  const hold = (n: number, deadlineAt = 2_800): Promise<HoldOutcome> =>
    gatherer.submit({ assertion: `a${n}`, key: `k"${n}`, deadlineAt, body: `{"n":${n}}` });
  return { gatherer, calls, clock, hold };
}

const bodyOf = (outcome: HoldOutcome) => (outcome.ok ? outcome.answer.body : outcome.failure);
const numbers = (call: Call | undefined) => call?.commands.map((command) => command.body.n);
const lost = () => new TransportError('reset', { answerLost: true });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

afterEach(() => {
  jest.useRealTimers();
});

describe('gathering', () => {
  test('a lone hold leaves at the end of its turn with its caller, key and time left', async () => {
    const { calls, hold, clock } = setup();
    clock.now = 100;
    const outcome = hold(1);
    await nextTurn();
    expect(calls[0]?.commands).toEqual([{ assertion: 'a1', key: 'k"1', deadline_ms: 2_700, body: { n: 1 } }]);
    calls[0]!.answer();
    expect(await outcome).toEqual({ ok: true, answer: { status: 201, body: '1' } });
  });

  test('holds of one turn share a call and each gets its own answer', async () => {
    const { calls, hold } = setup();
    const outcomes = range(0, 5).map((n) => hold(n));
    await nextTurn();
    expect(calls).toHaveLength(1);
    calls[0]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('a call has at most 128 holds, two calls are under way, and the rest waits in order', async () => {
    const { calls, hold } = setup();
    const outcomes = range(0, 330).map((n) => hold(n));
    await nextTurn();
    expect(calls.map((call) => call.commands.length)).toEqual([128, 128]);
    await nextTurn();
    expect(calls).toHaveLength(2);
    calls[1]!.answer();
    await nextTurn();
    expect(numbers(calls[2])).toEqual(range(256, 330));
    calls[0]!.answer();
    calls[2]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(range(0, 330).map(String));
  });

  test('beside a call of a few holds the next one leaves at once', async () => {
    const { calls, hold } = setup();
    const outcomes = range(0, 7).map((n) => hold(n));
    await nextTurn();
    outcomes.push(hold(7));
    await nextTurn();
    expect(calls.map((call) => call.commands.length)).toEqual([7, 1]);
    calls.forEach((call) => call.answer());
    await Promise.all(outcomes);
  });

  test('beside a larger call the others gather, until it is answered', async () => {
    const { calls, hold } = setup();
    const outcomes = range(0, 8).map((n) => hold(n));
    await nextTurn();
    outcomes.push(...range(8, 27).map((n) => hold(n)));
    await nextTurn();
    expect(calls).toHaveLength(1);
    calls[0]!.answer();
    await nextTurn();
    expect(calls.map((call) => call.commands.length)).toEqual([8, 19]);
    calls[1]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(range(0, 27).map(String));
  });

  test('twenty that wait do not wait for a call under way', async () => {
    const { calls, hold } = setup();
    const outcomes = range(0, 8).map((n) => hold(n));
    await nextTurn();
    outcomes.push(...range(8, 28).map((n) => hold(n)));
    await nextTurn();
    expect(calls.map((call) => call.commands.length)).toEqual([8, 20]);
    calls.forEach((call) => call.answer());
    await Promise.all(outcomes);
  });

  test('a call that is away for 100 ms holds nobody up', async () => {
    const { gatherer, calls, hold, clock } = setup();
    const outcomes = range(0, 8).map((n) => hold(n));
    await nextTurn();
    outcomes.push(hold(8));
    await nextTurn();
    clock.now = 99;
    gatherer.expire();
    expect(calls).toHaveLength(1);
    clock.now = 100;
    gatherer.expire();
    expect(calls.map((call) => call.commands.length)).toEqual([8, 1]);
    calls.forEach((call) => call.answer());
    await Promise.all(outcomes);
  });

  test('holds that come while two calls are under way go together in the next', async () => {
    const { calls, hold } = setup();
    const outcomes = [hold(1)];
    await nextTurn();
    outcomes.push(hold(2));
    await nextTurn();
    outcomes.push(hold(3));
    await nextTurn();
    outcomes.push(hold(4));
    await nextTurn();
    expect(calls.map(numbers)).toEqual([[1], [2]]);
    calls[0]!.answer();
    await nextTurn();
    expect(numbers(calls[2])).toEqual([3, 4]);
    calls[1]!.answer();
    calls[2]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(['1', '2', '3', '4']);
  });

  test('a full queue refuses at once', async () => {
    const { calls, hold } = setup({ maxQueue: 2, maxBatch: 1, maxInFlight: 1 });
    const first = hold(1);
    await nextTurn();
    const [second, third] = [hold(2), hold(3)];
    expect(await hold(4)).toEqual({ ok: false, failure: 'queue_full' });
    for (const index of [0, 1, 2]) {
      calls[index]!.answer();
      await nextTurn();
    }
    expect((await Promise.all([first, second, third])).map(bodyOf)).toEqual(['1', '2', '3']);
  });
});

describe('a call without an answer', () => {
  test('that was lost is asked again by its keys, once', async () => {
    const { calls, hold, clock } = setup();
    const outcomes = [hold(1), hold(2)];
    await nextTurn();
    clock.now = 500;
    calls[0]!.fail(lost());
    await nextTurn();
    expect(calls[1]!.commands.map(({ key, deadline_ms }) => [key, deadline_ms])).toEqual([
      ['k"1', 2_300],
      ['k"2', 2_300],
    ]);
    calls[1]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(['1', '2']);
  });

  test('is given up when it is lost twice', async () => {
    const { calls, hold } = setup();
    const outcome = hold(1);
    await nextTurn();
    calls[0]!.fail(lost());
    await nextTurn();
    calls[1]!.fail(lost());
    expect(await outcome).toMatchObject({ ok: false, failure: 'unavailable' });
    expect(calls).toHaveLength(2);
  });

  test('is given up at once when booking was never reached', async () => {
    const { calls, hold } = setup();
    const outcome = hold(1);
    await nextTurn();
    calls[0]!.fail(new TransportError('refused', { answerLost: false }));
    expect(await outcome).toMatchObject({ ok: false, failure: 'unavailable' });
    expect(calls).toHaveLength(1);
  });

  test('is not asked again for holds whose time is over', async () => {
    const { calls, hold, clock } = setup();
    const outcomes = [hold(1, 400), hold(2)];
    await nextTurn();
    clock.now = 500;
    calls[0]!.fail(lost());
    await nextTurn();
    expect(numbers(calls[1])).toEqual([2]);
    calls[1]!.answer();
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(['deadline', '2']);
  });

  test('frees its place for the next one', async () => {
    const { calls, hold } = setup({ maxInFlight: 1 });
    const first = hold(1);
    await nextTurn();
    const second = hold(2);
    calls[0]!.fail(new TransportError('refused', { answerLost: false }));
    await first;
    await nextTurn();
    calls[1]!.answer();
    expect(bodyOf(await second)).toBe('2');
  });

  test('for each of its holds answers none of them', async () => {
    const { calls, hold } = setup();
    const outcomes = [hold(1), hold(2)];
    await nextTurn();
    calls[0]!.answer([{ status: 201, body: '1' }]);
    expect((await Promise.all(outcomes)).map(bodyOf)).toEqual(['unavailable', 'unavailable']);
  });
});

describe('deadlines', () => {
  test('a call may take no longer than its limit or than its holds have left', async () => {
    const { calls, hold, clock } = setup({ callLimitMs: 2_000 });
    void hold(1, 2_800);
    await nextTurn();
    clock.now = 2_000;
    void hold(2, 2_800);
    await nextTurn();
    expect(calls.map((call) => call.timeoutMs)).toEqual([2_000, 800]);
    calls.forEach((call) => call.answer());
  });

  test('a hold is answered when its time is over, under way or waiting, and a late answer changes nothing', async () => {
    const { gatherer, calls, hold, clock } = setup({ maxInFlight: 1 });
    const under = hold(1, 1_000);
    await nextTurn();
    const waiting = hold(2, 1_000);
    clock.now = 1_000;
    gatherer.expire();
    expect((await Promise.all([under, waiting])).map(bodyOf)).toEqual(['deadline', 'deadline']);
    calls[0]!.answer();
    await nextTurn();
    expect(calls).toHaveLength(1);
  });

  test('nobody has to ask for it: a timer looks every 100 ms while holds are open, and rests after', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    const { hold, clock, calls } = setup();
    const outcome = hold(1, 1_000);
    await nextTurn();
    clock.now = 1_000;
    jest.advanceTimersByTime(100);
    expect(bodyOf(await outcome)).toBe('deadline');
    calls[0]!.answer();
    await nextTurn();
    jest.advanceTimersByTime(100);
    expect(jest.getTimerCount()).toBe(0);
  });
});
