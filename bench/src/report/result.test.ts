import { describe, expect, test } from '@jest/globals';
import type { SeriesInfo } from '../bench.ts';
import { median, type Sample } from '../load/sample.ts';
import { isInOrder, toLatencies, toLines, toRatios } from './result.ts';

const aSample = (perSecond: number, outcomes: Record<string, number> = {}): Sample => ({
  ...{ seconds: 1, count: perSecond, perSecond, p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4, outcomes },
  ...{ cpuUs: { gateway: 100, postgres: 200 }, othersShare: 0 },
});
const series: SeriesInfo[] = [
  { name: 'A', label: 'A', unit: 'holds/s' },
  { name: 'hold', label: 'hold', unit: 'holds/s', reach: [{ of: 'A', atLeast: 1.5 }] },
];

describe('the result', () => {
  test('a ratio is the median of the rounds, so one slow minute does not decide', () => {
    const samples = new Map([
      ['A', [aSample(1000), aSample(100), aSample(1000)]],
      ['hold', [aSample(1200), aSample(130), aSample(300)]],
    ]);
    const [ratio] = toRatios(series, samples);
    expect(ratio).toMatchObject({ line: 'hold', of: 'A', perRound: [1.2, 1.3, 0.3], value: 1.2, reach: 1.5 });
  });

  test('there is no ratio to a line that was not measured in the same rounds', () => {
    expect(toRatios(series, new Map([['hold', [aSample(1)]]]))).toEqual([]);
  });

  test('a latency is compared in milliseconds, or with the same percentile of another line in the same rounds', () => {
    const slow = { ...aSample(1), p99Ms: 9 };
    const limited: SeriesInfo = {
      ...{ name: 'busy', label: 'busy', unit: 'holds/s' },
      within: [
        { percentile: 'p95Ms', atMost: 25 },
        { percentile: 'p99Ms', of: 'quiet', atMost: 2 },
      ],
    };
    const samples = new Map([
      ['quiet', [aSample(1), aSample(1), aSample(1)]],
      ['busy', [slow, slow, aSample(1)]],
    ]);
    expect(toLatencies([limited], samples).map(({ value }) => value)).toEqual([2, 3]);
    samples.delete('quiet');
    expect(toLatencies([limited], samples).map(({ value }) => value)).toEqual([2]);
  });

  test('what was not a success is counted by its outcome over all rounds', () => {
    const samples = new Map([
      ['hold', [aSample(2, { 201: 2, 409: 1 }), aSample(3, { 201: 3, 409: 2, ECONNRESET: 1 })]],
    ]);
    const [line] = toLines(series, samples, (outcome) => outcome === '201');
    expect(line?.failures).toEqual({ 409: 3, ECONNRESET: 1 });
    expect(line?.cpuUs).toEqual({ gateway: 100, postgres: 200, total: 300 });
  });
});

test('a run is in order when no invariant is broken and no bench failed', () => {
  const kept = { what: 'no dead letters', broken: 0 };
  expect(isInOrder({ invariants: [kept], failed: [] })).toBe(true);
  expect(isInOrder({ invariants: [kept, { ...kept, broken: 1 }], failed: [] })).toBe(false);
  expect(isInOrder({ invariants: [kept], failed: [{ bench: 'expire', reason: 'round 1: still held' }] })).toBe(false);
});

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
