import type { Progress } from '@holdfast/launcher/src/progress.ts';
import type pg from 'pg';
import type { Sample } from './load/sample.ts';
import type { BenchStack } from './stack/bench-stack.ts';

/** What a bench gets to work with. */
export interface BenchContext {
  readonly stack: BenchStack;
  /** A superuser's connection to the stack's database, for seeding, looking and checking; never for what is measured. */
  readonly admin: pg.Client;
  readonly seconds: number;
  readonly rounds: number;
  /** How long each round may wait for other work on the machine to end. */
  readonly patienceSeconds: number;
  readonly progress: Progress;
}

/** One line of the report: the same thing measured once a round. */
export interface SeriesInfo {
  readonly name: string;
  readonly label: string;
  /** What is counted, e.g. `holds/s`. */
  readonly unit: string;
  /** A rate that it should come to by itself, where nothing in the same run is like it. */
  readonly atLeast?: number;
  /** Multiples of other lines that this one should come to; see docs/performance.md. */
  readonly reach?: readonly { readonly of: string; readonly atLeast: number }[];
  /** Latencies that it should stay within: milliseconds, or with `of` multiples of the same percentile of another line. */
  readonly within?: readonly LatencyLimit[];
}

export interface LatencyLimit {
  readonly percentile: 'p50Ms' | 'p95Ms' | 'p99Ms';
  readonly atMost: number;
  readonly of?: string;
}

/** A bench after its preparation. */
export interface PreparedBench {
  /** Measures each line once. Rounds of different benches alternate, so that a slow minute of the machine hits all of them. */
  round(index: number): Promise<ReadonlyMap<string, Sample>>;
}

/** One file in `benches/`; add it to the registry. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  readonly series: readonly SeriesInfo[];
  prepare(context: BenchContext): Promise<PreparedBench>;
}
