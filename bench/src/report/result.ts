import type { LatencyLimit, SeriesInfo } from '../bench.ts';
import type { InvariantResult } from '../invariants.ts';
import { median, type Sample } from '../load/sample.ts';
import type { Environment } from './environment.ts';

/** One line of the report with its samples and medians. */
export interface Line {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** The rate that it should come to by itself; absent where there is none. */
  readonly atLeast?: number;
  /** Everything that was not a success, over all rounds. */
  readonly failures: Readonly<Record<string, number>>;
  /** CPU microseconds per success by process, and of all together. */
  readonly cpuUs: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
}

/** How a line compares with another one of the same rounds. */
export interface Ratio {
  readonly line: string;
  readonly of: string;
  /** Median of the rounds' ratios, not the ratio of medians: a slow minute hits both sides of one round. */
  readonly value: number;
  readonly perRound: readonly number[];
  readonly reach: number;
}

/** How a line's latency compares with what it should stay within. */
export interface LatencyResult extends LatencyLimit {
  readonly line: string;
  /** Median of the rounds: milliseconds, or a ratio where there is an `of`. */
  readonly value: number;
}

/** Resident memory of a process at the end, in MiB. */
export type Memory = Readonly<Record<string, number>>;

export interface BenchResult {
  readonly startedAt: string;
  readonly environment: Environment;
  readonly settings: { readonly seconds: number; readonly rounds: number };
  readonly lines: readonly Line[];
  readonly ratios: readonly Ratio[];
  readonly latencies: readonly LatencyResult[];
  readonly memoryMiB: Memory;
  readonly holdBatch: { readonly batches: number; readonly meanSize: number } | null;
  readonly invariants: readonly InvariantResult[];
  /** Benches that did not find what they must, each with the reason; they are not measured any further. */
  readonly failed: readonly { readonly bench: string; readonly reason: string }[];
}

/** Whether everything was found as it must be: what the exit code says. */
export function isInOrder({ invariants, failed }: Pick<BenchResult, 'invariants' | 'failed'>): boolean {
  return failed.length === 0 && invariants.every(({ broken }) => broken === 0);
}

/** `samples` by line name, one for each round that measured it. */
export function toLines(
  series: readonly SeriesInfo[],
  samples: ReadonlyMap<string, readonly Sample[]>,
  isSuccess: (outcome: string) => boolean,
): Line[] {
  return series.flatMap((info) => {
    const taken = samples.get(info.name) ?? [];
    if (taken.length === 0) return [];
    const middle = (field: 'perSecond' | 'p50Ms' | 'p95Ms' | 'p99Ms') => median(taken.map((sample) => sample[field]));
    const failures: Record<string, number> = {};
    for (const { outcomes } of taken) {
      for (const [outcome, count] of Object.entries(outcomes)) {
        if (!isSuccess(outcome)) failures[outcome] = (failures[outcome] ?? 0) + count;
      }
    }
    return [
      {
        ...{ name: info.name, label: info.label, unit: info.unit, perSecond: middle('perSecond') },
        ...{ p50Ms: middle('p50Ms'), p95Ms: middle('p95Ms'), p99Ms: middle('p99Ms'), failures, samples: taken },
        cpuUs: cpuOf(taken),
        ...(info.atLeast === undefined ? {} : { atLeast: info.atLeast }),
      },
    ];
  });
}

function cpuOf(samples: readonly Sample[]): Record<string, number> {
  const names = new Set(samples.flatMap(({ cpuUs }) => Object.keys(cpuUs)));
  const each = [...names].map(
    (name) => [name, Math.round(median(samples.map(({ cpuUs }) => cpuUs[name] ?? 0)))] as const,
  );
  return { ...Object.fromEntries(each), total: each.reduce((sum, [, us]) => sum + us, 0) };
}

/** Ratios to every line that a line should be compared with and that was measured in the same rounds. */
export function toRatios(series: readonly SeriesInfo[], samples: ReadonlyMap<string, readonly Sample[]>): Ratio[] {
  return series.flatMap(({ name, reach = [] }) =>
    reach.flatMap(({ of, atLeast }) => {
      const own = samples.get(name) ?? [];
      const other = samples.get(of) ?? [];
      if (own.length === 0 || other.length !== own.length) return [];
      const perRound = own.map((sample, round) => sample.perSecond / other[round]!.perSecond);
      return [{ line: name, of, value: median(perRound), perRound, reach: atLeast }];
    }),
  );
}

/** What became of each limit of latency whose lines were measured in the same rounds. */
export function toLatencies(
  series: readonly SeriesInfo[],
  samples: ReadonlyMap<string, readonly Sample[]>,
): LatencyResult[] {
  return series.flatMap(({ name, within = [] }) =>
    within.flatMap((limit) => {
      const own = samples.get(name) ?? [];
      const other = limit.of === undefined ? null : (samples.get(limit.of) ?? []);
      if (own.length === 0 || (other !== null && other.length !== own.length)) return [];
      const perRound = own.map((sample, round) => sample[limit.percentile] / (other?.[round]?.[limit.percentile] ?? 1));
      return [{ ...limit, line: name, value: median(perRound) }];
    }),
  );
}
