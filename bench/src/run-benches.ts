import type { Bench, BenchContext, PreparedBench } from './bench.ts';
import { checkInvariants } from './invariants.ts';
import { endLoad } from './load/child.ts';
import { untilQuiet } from './load/quiet.ts';
import type { Sample } from './load/sample.ts';
import { readEnvironment, residentMiB } from './report/environment.ts';
import { toLatencies, toLines, toRatios, type BenchResult } from './report/result.ts';
import { readHoldBatches } from './stack/hold-batches.ts';
import { untilOutboxIsEmpty } from './stack/outbox.ts';

interface About {
  readonly versions: Readonly<Record<string, string>>;
  readonly services: Readonly<Record<string, string>>;
  readonly loadBefore: number;
}

/** Lets the benches take turns, round by round, and checks the invariants at the end. */
export async function runBenches(benches: readonly Bench[], context: BenchContext, about: About): Promise<BenchResult> {
  const { progress, admin, stack, rounds, seconds, patienceSeconds } = context;
  const startedAt = new Date().toISOString();
  const environment = await readEnvironment(admin, about.versions, about.services, about.loadBefore);
  const prepared: [Bench, PreparedBench][] = [];
  for (const bench of benches) {
    progress.step(`preparing ${bench.name}`);
    prepared.push([bench, await bench.prepare(context)]);
  }
  const samples = new Map<string, Sample[]>();
  // What a bench must find and did not find fails the run, at its end: the other benches are measured all the same.
  const failed = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const [bench, measuring] of prepared) {
      if (failed.has(bench.name)) continue;
      const isQuiet = await untilQuiet(patienceSeconds);
      progress.step(
        `round ${round + 1} of ${rounds}: ${bench.name}${isQuiet ? '' : ' (other work uses this machine)'}`,
      );
      try {
        for (const [name, sample] of await measuring.round(round)) {
          samples.set(name, [...(samples.get(name) ?? []), sample]);
          progress.detail(`${name}: ${Math.round(sample.perSecond)} a second, p50 ${sample.p50Ms} ms`);
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failed.set(bench.name, `round ${round + 1}: ${reason}`);
        progress.detail(`${bench.name} FAILED: ${reason}`);
        endLoad();
        await untilOutboxIsEmpty(admin);
      }
    }
  }
  progress.step('checking the invariants');
  const series = benches.flatMap((bench) => bench.series);
  const isSuccess = (outcome: string) => ['held', 'CONFIRMED', 'arrived'].includes(outcome) || outcome.startsWith('2');
  const created = series
    .filter(({ unit }) => unit === 'holds/s')
    .flatMap(({ name }) => samples.get(name) ?? [])
    .reduce((sum, { outcomes }) => sum + (outcomes['201'] ?? 0), 0);
  return {
    startedAt,
    environment,
    settings: { seconds, rounds },
    lines: toLines(series, samples, isSuccess),
    ratios: toRatios(series, samples),
    latencies: toLatencies(series, samples),
    memoryMiB: residentMiB(stack.pids()),
    holdBatch: await readHoldBatches(stack.addresses.booking),
    invariants: await checkInvariants(admin, created),
    failed: [...failed].map(([bench, reason]) => ({ bench, reason })),
  };
}
