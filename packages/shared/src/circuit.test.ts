import { describe, expect, test } from '@jest/globals';
import { createCircuit, isNotCalled, type CircuitStateName } from './circuit.ts';
import { until } from './testing/until.ts';

/** A circuit around calls that bring what the test says; 'bad' is a failure. */
function setup(breakMs = 60_000) {
  const changes: CircuitStateName[] = [];
  let made = 0;
  const circuit = createCircuit<string>({
    breakMs,
    isFailure: (result) => result === 'bad',
    onChange: (state) => changes.push(state),
  });
  const call = (result: string) =>
    circuit.run(() => {
      made += 1;
      return Promise.resolve(result);
    });
  const calls = async (times: number, result: string) => {
    for (let each = 0; each < times; each += 1) await call(result);
  };
  return { circuit, changes, call, calls, made: () => made };
}

describe('a circuit', () => {
  test('opens at half of the last ten calls and not before', async () => {
    const { circuit, calls } = setup();
    await calls(6, 'good');
    await calls(4, 'bad');
    expect(circuit.state()).toBe('closed');
    await calls(1, 'bad');
    expect(circuit.state()).toBe('open');
  });

  test('makes no call while it is open, and tells what is left of the break', async () => {
    const { call, calls, made } = setup();
    await calls(10, 'bad');
    const before = made();
    const result = await call('good');
    expect(isNotCalled(result) && result.leftMs).toBeGreaterThan(59_000);
    expect(made()).toBe(before);
  });

  test('lets two probes through after the break and closes when both are answered', async () => {
    const { circuit, changes, call, calls } = setup(20);
    await calls(10, 'bad');
    await until('the break to be over', async () => !isNotCalled(await call('good')));
    expect(circuit.state()).toBe('half_open');
    await call('good');
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('opens again when a probe fails; what comes beside the probes is not called', async () => {
    const { changes, call, calls } = setup(20);
    await calls(10, 'bad');
    await until('the break to be over', async () => !isNotCalled(await call('good')));
    const beside = await Promise.all([call('bad'), call('bad'), call('bad')]);
    expect(beside.map(isNotCalled)).toEqual([false, true, true]);
    expect(changes).toEqual(['open', 'half_open', 'open']);
  });

  test('passes on what a call throws', async () => {
    const { circuit } = setup();
    await expect(circuit.run(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    expect(circuit.state()).toBe('closed');
  });
});
