import { cpuTimes, machineTime, perOperation } from './cpu-time.ts';

/** What one measured window showed. */
export interface Sample {
  /** Length of the window. */
  readonly seconds: number;
  /** Successes in the window. */
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How often each outcome came, e.g. `201`, `409`, `ECONNRESET`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** CPU time of each process per success, in microseconds; unlike a rate it hardly moves when others use the machine. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Share of the machine, 0 to 1, that other programs used meanwhile; null where it is not known. */
  readonly othersShare: number | null;
}

/** Collects outcomes with their latencies during a window; what begins or ends outside of it is not counted. */
export class SampleTaker {
  readonly #pids: Readonly<Record<string, number>>;
  #cpuBefore: Record<string, number> = {};
  #cpuAfter: Record<string, number> = {};
  #machineBefore = machineTime();
  #machineAfter = machineTime();
  readonly #isSuccess: (outcome: string) => boolean;
  readonly #latencies: number[] = [];
  readonly #outcomes: Record<string, number> = {};
  #from = Infinity;
  #to = Infinity;

  /** `pids`: processes whose CPU time is of interest beside this one's. */
  constructor(isSuccess: (outcome: string) => boolean, pids: Readonly<Record<string, number>>) {
    this.#isSuccess = isSuccess;
    // The parent passes the services' logs on to their files.
    this.#pids = { ...pids, generator: process.pid, logs: process.ppid };
  }

  /** Opens the window after the ramp. @returns its end, as `performance.now()` tells it. */
  open(rampSeconds: number, seconds: number): number {
    this.#from = performance.now() + rampSeconds * 1000;
    this.#to = this.#from + seconds * 1000;
    setTimeout(() => {
      this.#cpuBefore = cpuTimes(this.#pids);
      this.#machineBefore = machineTime();
    }, rampSeconds * 1000);
    setTimeout(
      () => {
        this.#cpuAfter = cpuTimes(this.#pids);
        this.#machineAfter = machineTime();
      },
      (rampSeconds + seconds) * 1000,
    );
    return this.#to;
  }

  add(outcome: string, startedAt: number, endedAt: number): void {
    if (endedAt < this.#from || endedAt >= this.#to) return;
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    if (this.#isSuccess(outcome)) this.#latencies.push(endedAt - startedAt);
  }

  #othersShare(): number | null {
    if (this.#machineBefore === null || this.#machineAfter === null) return null;
    const own = Object.entries(this.#cpuAfter).reduce((sum, [name, us]) => sum + us - (this.#cpuBefore[name] ?? 0), 0);
    const busy = this.#machineAfter.busy - this.#machineBefore.busy;
    const total = this.#machineAfter.total - this.#machineBefore.total;
    return round(Math.max(0, busy - own) / Math.max(1, total));
  }

  /** What the window showed; waits for its end. */
  async take(): Promise<Sample> {
    const left = this.#to - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, left) + 5));
    return toSample(this.#latencies, {
      seconds: (this.#to - this.#from) / 1000,
      outcomes: this.#outcomes,
      cpuUs: perOperation(this.#cpuBefore, this.#cpuAfter, this.#latencies.length),
      othersShare: this.#othersShare(),
    });
  }
}

/** `latencies` of the successes, in milliseconds and in any order. */
export function toSample(
  latencies: readonly number[],
  about: Pick<Sample, 'seconds' | 'outcomes' | 'cpuUs' | 'othersShare'>,
): Sample {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return {
    ...about,
    count: sorted.length,
    perSecond: round(sorted.length / about.seconds),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

const round = (value: number) => Math.round(value * 100) / 100;

/** The middle value; the mean of the two in the middle for an even number of values. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
