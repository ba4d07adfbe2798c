import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookPatiently } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { pause, runClient } from './client.ts';
import { History, type CallKind } from './history.ts';
import { injectFault, whoIsAway, type DoneFault } from './inject-fault.ts';
import { judgeHistory } from './judge-history.ts';
import { makeOffers } from './offers.ts';
import type { Plan } from './plan.ts';
import { randomOf } from './random.ts';
import { readWitnesses } from './read-witnesses.ts';
import { slowAnswers } from './slow-answers.ts';

export interface SeedOptions {
  /** Folder of the history file. */
  readonly dir: string;
  /** Longest answer that is taken. */
  readonly answerMs: number;
  readonly onProgress?: (line: string) => void;
  readonly wanted?: () => boolean;
}

export interface SeedReport {
  readonly seed: number;
  readonly ok: boolean;
  /** What must not be, in words. */
  readonly broken: readonly string[];
  readonly faults: readonly DoneFault[];
  /** Calls by kind and by how they ended. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Bookings that were CONFIRMED at some time. */
  readonly confirmed: number;
  readonly slowestMs: number;
  /** From the last healing until nothing was under way. */
  readonly quietAfterMs: number;
  readonly ms: number;
  readonly history: string;
}

/** A run in which less than this worked has tried nothing. */
const LEAST_ACKNOWLEDGED = 30;
const LEAST_CONFIRMED = 5;
const QUIET_MS = 60_000;
const BOOKINGS_AFTERWARDS = 3;

/** Runs what the plan says against a stack of its own, heals everything, and gives what the witnesses say. */
export async function runSeed(plan: Plan, options: SeedOptions): Promise<SeedReport> {
  const startedAt = performance.now();
  const tell = options.onProgress ?? (() => undefined);
  const stack = await startStack({
    parts: WHOLE_PATH,
    cuttableDatabase: true,
    cuttable: ['nats', 'redis', 'provider', 'booking', 'payment'],
    redis: true,
    env: {
      booking: {
        // Short ones, so that holds run out and payments come too late while faults go on.
        HOLDFAST_HOLD_SECONDS: '8',
        HOLDFAST_PAYMENT_EXTENSION_SECONDS: '15',
        HOLDFAST_HOLD_MAX_SECONDS: '30',
        HOLDFAST_MAX_HOLDS_PER_USER: '100',
      },
    },
  });
  const history = new History(join(options.dir, `seed-${plan.seed}.jsonl`));
  const broken: string[] = [];
  const faults: DoneFault[] = [];
  let quietAfterMs = 0;
  let confirmed = 0;
  try {
    // What was committed before PostgreSQL crashed must be there afterwards; servers of tests are laxer by default.
    await requireDurableCommits(stack);
    const [offers, customers] = await Promise.all([
      signInAdmin(stack).then((admin) => makeOffers(admin.api)),
      Promise.all(Array.from({ length: plan.clients }, (_, i) => signUp(stack, `Client ${i}`))),
    ]);
    let goesOn = true;
    let hasPatience = true;
    const workload = Promise.all(
      customers.map((customer, number) =>
        runClient({
          number,
          customer,
          random: randomOf(plan.seed, number + 1),
          history,
          offers,
          goesOn: () => goesOn,
          hasPatience: () => hasPatience,
        }),
      ),
    );
    const workloadFailed = workload.then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => Promise.reject(error as Error),
    );
    const steps = async () => {
      for (const step of plan.steps) {
        if (options.wanted?.() === false) return;
        await pause(step.restMs);
        const done = await Promise.all(step.faults.map((fault) => injectFault(stack, history, fault)));
        faults.push(...done);
        for (const each of done)
          tell(
            `${each.target} ${each.fault} at ${each.phase}: ${each.missed ?? `from ${each.from} for ${each.to - each.from} ms`}`,
          );
      }
      await pause(Math.max(0, plan.seconds * 1000 - history.now()));
    };
    await Promise.race([steps(), workloadFailed]);
    const healedAt = performance.now();
    tell('healed; waiting until nothing is under way');
    broken.push(...faults.flatMap(({ missed }) => (missed === null ? [] : [missed])));
    broken.push(...(await whoIsAway(stack)));
    goesOn = false;
    const gaveUp = setTimeout(() => (hasPatience = false), QUIET_MS);
    await workload;
    clearTimeout(gaveUp);
    await untilQuiet(stack, QUIET_MS).catch((error: Error) =>
      broken.push(`60 s after the last healing ${error.message}`),
    );
    quietAfterMs = Math.round(performance.now() - healedAt);
    const evidence = await readWitnesses(stack, history, customers);
    confirmed = [...evidence.bookings.values()].filter(({ statuses }) => statuses.includes('CONFIRMED')).length;
    broken.push(...judgeHistory(evidence));
    broken.push(...(await brokenInvariants(stack)));
    broken.push(...slowAnswers(history.entries, faults, options.answerMs));
    broken.push(...tooLittle(history, confirmed));
    await bookAfterwards(stack).catch((error: Error) =>
      broken.push(`nothing can be booked afterwards: ${error.message}`),
    );
  } catch (error) {
    broken.push(`the run broke off: ${(error as Error).stack ?? String(error)}`);
  } finally {
    if (broken.length > 0) keepLogs(stack, options.dir, plan.seed);
    await stack.stop();
  }
  return {
    seed: plan.seed,
    ok: broken.length === 0,
    broken,
    faults,
    calls: countCalls(history),
    confirmed,
    slowestMs: Math.max(0, ...history.entries.map(({ ms }) => ms ?? 0)),
    quietAfterMs,
    ms: Math.round(performance.now() - startedAt),
    history: history.file,
  };
}

/** What the services wrote since each was started last: one file for each beside the clients' account. */
function keepLogs(stack: Stack, dir: string, seed: number): void {
  for (const part of WHOLE_PATH)
    writeFileSync(join(dir, `seed-${seed}.${part}.log`), stack.process(part).lines.join('\n'));
}

async function requireDurableCommits(stack: Stack): Promise<void> {
  await query(stack, `alter database ${stack.database.name} set synchronous_commit = on`);
}

async function bookAfterwards(stack: Stack): Promise<void> {
  const { api } = await signInAdmin(stack);
  const event_id = await makePoolEvent(api, { capacity: BOOKINGS_AFTERWARDS });
  const customer = await signUp(stack);
  for (let i = 0; i < BOOKINGS_AFTERWARDS; i += 1) await bookPatiently(customer.api, { event_id, quantity: 1 });
}

function tooLittle(history: History, confirmed: number): string[] {
  const acknowledged = history.entries.filter(({ type }) => type === 'ok').length;
  return [
    ...(acknowledged < LEAST_ACKNOWLEDGED ? [`only ${acknowledged} calls were acknowledged`] : []),
    ...(confirmed < LEAST_CONFIRMED ? [`only ${confirmed} bookings were confirmed`] : []),
  ];
}

function countCalls(history: History): Record<string, Record<string, number>> {
  const calls: Record<string, Record<string, number>> = {};
  const last = new Map<number, { kind: CallKind; type: string }>();
  for (const entry of history.entries) if (entry.type !== 'invoke') last.set(entry.call, entry);
  for (const { kind, type } of last.values()) {
    const of = (calls[kind] ??= {});
    of[type] = (of[type] ?? 0) + 1;
  }
  return calls;
}
