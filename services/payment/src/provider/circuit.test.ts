import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CircuitStateName } from '@holdfast/shared/circuit';
import { until } from '@holdfast/shared/testing/until';
import { resumeOperations } from '../operations/resume-operations.ts';
import { drive, openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';
import { guardProvider } from './circuit.ts';
import type { Answer, Intent } from './provider.ts';

const unknown: Answer<never> = { kind: 'unknown', reason: 'no_answer' };
const declined: Answer<never> = { kind: 'declined', reason: 'generic_decline', charge: null };
const throttled: Answer<never> = { kind: 'later', delayMs: 7_000, reason: 'rate_limited' };

/** A guarded provider whose looks at an intent are answered as `answer.is` says at that moment. */
function setup(breakMs = 60_000) {
  const answer = { is: intent('open') };
  const changes: CircuitStateName[] = [];
  const played = playProvider({ retrieveIntent: () => Promise.resolve(answer.is) });
  const circuit = guardProvider(played, { breakMs, onChange: (state) => changes.push(state), random: () => 0.5 });
  const look = async (times: number, as: Answer<Intent>) => {
    answer.is = as;
    const answers: Answer<Intent>[] = [];
    for (let each = 0; each < times; each += 1) answers.push(await circuit.provider.retrieveIntent('pi_1'));
    return answers;
  };
  return { circuit, played, changes, look };
}

describe('the circuit around the provider', () => {
  test('opens at half of the last ten calls and not before', async () => {
    const { circuit, played, look } = setup();
    await look(6, intent('open'));
    await look(4, unknown);
    expect(circuit.state()).toBe('closed');
    // The tenth call before this one was an answer: five of the last ten are unknown now.
    await look(1, unknown);
    expect(circuit.state()).toBe('open');
    expect(played.asked).toHaveLength(11);
  });

  test('takes declines, refusals and a 429 for answers', async () => {
    const { circuit, look } = setup();
    await look(10, declined);
    await look(10, throttled);
    await look(10, { kind: 'refused', reason: 'resource_missing' });
    expect(circuit.state()).toBe('closed');
  });

  test('makes no call while it is open and puts everything off past the break', async () => {
    const { played, look } = setup();
    await look(10, unknown);
    const before = played.asked.length;
    const [answer] = await look(1, intent('open'));
    expect(answer).toMatchObject({ kind: 'later', reason: 'circuit_open' });
    expect((answer as { delayMs: number }).delayMs).toBeGreaterThan(59_000);
    expect(played.asked).toHaveLength(before);
  });

  test('lets two probes through after the break, and closes when both are answered', async () => {
    const { circuit, played, changes, look } = setup(20);
    await look(10, unknown);
    await untilProbed(look);
    expect(circuit.state()).toBe('half_open');
    await look(1, intent('open'));
    expect(circuit.state()).toBe('closed');
    expect(changes).toEqual(['open', 'half_open', 'closed']);
    expect(played.asked).toHaveLength(12);
  });

  test('opens again when a probe fails, and puts off what comes beside the probes', async () => {
    const { circuit, changes, look } = setup(20);
    await look(10, unknown);
    await untilProbed(look);
    const beside = await Promise.all([look(1, unknown), look(1, unknown), look(1, unknown)]);
    expect(beside.flat().map((answer) => answer.kind)).toEqual(['unknown', 'later', 'later']);
    expect([circuit.state(), changes]).toEqual(['open', ['open', 'half_open', 'open']]);
  });
});

/** Asks until the break is over and the first probe was answered. */
async function untilProbed(look: (times: number, as: Answer<Intent>) => Promise<Answer<Intent>[]>): Promise<void> {
  await until('the break to be over', async () => (await look(1, intent('open')))[0]?.kind === 'ok');
}

describe('operations while the provider is away', () => {
  let bench: OperationsBench;
  beforeAll(async () => {
    bench = await openOperationsBench();
  }, 30_000);
  afterAll(() => bench.close());

  test('are put off without a call, and all go on at once when the circuit closes', async () => {
    let away = true;
    const played = playProvider({
      createIntent: () => Promise.resolve(away ? unknown : intent('open')),
    });
    const circuit = guardProvider(played, { breakMs: 1_000, onChange: () => undefined });
    const driver = bench.driver(circuit.provider);
    const payments = Array.from({ length: 12 }, () => bench.payment());
    for (const payment of payments.slice(0, 10)) await payment.authorise();
    await drive(driver);
    for (const payment of payments.slice(10)) await payment.authorise();
    await drive(driver);
    const { rows } = await bench.pool.query<{ put_off: string; count: number }>(
      `select put_off, count(*)::int from operations where state = 'DUE' group by put_off order by put_off`,
    );
    // Ten were sent and failed; the circuit stopped the others.
    expect(rows).toEqual([
      { put_off: 'circuit_open', count: 2 },
      { put_off: 'unknown', count: 10 },
    ]);
    expect(played.asked).toHaveLength(10);

    away = false;
    await until('the circuit to close', async () => {
      await circuit.provider.createIntent({} as never);
      return circuit.state() === 'closed';
    });
    // Nothing is due yet: the pauses would go on for seconds.
    await drive(driver);
    expect(await payments[0]!.announced()).toEqual(['unknown']);
    expect(await resumeOperations(bench.pool)).toBe(12);
    await drive(driver);
    expect(await payments[0]!.announced()).toEqual(['unknown', 'authorised']);
    expect(await payments[11]!.announced()).toEqual(['authorised']);
  });

  test('that the provider itself put off wait for as long as it said', async () => {
    const provider = playProvider({ createIntent: () => Promise.resolve(throttled) });
    await bench.payment().authorise();
    await drive(bench.driver(provider));
    expect(await resumeOperations(bench.pool)).toBe(0);
  });
});
