import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { InvariantResultJson, ServiceIntegrity } from '../contracts/integrity.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction, type Queryable } from '../db/transaction.ts';
import { Loop } from '../loop.ts';
import type { ComputedInvariant, Invariant } from './invariant.ts';

export interface AuditorOptions {
  readonly service: string;
  readonly invariants: readonly Invariant[];
  /** Those that ask other services. */
  readonly computed?: readonly ComputedInvariant[];
  readonly pool: Pool;
  readonly logger: Logger;
  /** Gets `holdfast_integrity_violations`, by invariant; absent in tests. */
  readonly registry?: Registry;
}

/** How often one looks for what is due. */
const LOOK_MS = 5_000;
/** The longest that one check may read; after it the invariant is `failed`, not `ok`. */
const LIMIT_MS = 10_000;
/** A process that died in its turn keeps others from the check for so long. */
const TURN = '60 seconds';
const EXAMPLES = 5;
/** Others may come up later than this process: until then only somebody who wants to know asks them. */
const COMPUTED_AFTER_MS = 600_000;
/** How long somebody waits for a run: the gateway waits 2 s for all services together. */
const PATIENCE_MS = 1_500;
const SECONDS = { minute: 60, hour: 3_600 } as const;
const SECONDS_BROKEN = { minute: 5, hour: 60 } as const;

/**
 * Checks the invariants of one service when they are due, and stores what it finds. Replicas take turns by the claim in
 * `integrity_results`. A check only reads, in one statement: it locks nothing and changes nothing.
 */
export class Auditor {
  readonly loop: Loop;
  readonly #options: AuditorOptions;
  readonly #all: readonly (Invariant | ComputedInvariant)[];
  readonly #madeAt = performance.now();
  #demanded: Promise<unknown> | null = null;
  #stopped = false;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#all = [...options.invariants, ...(options.computed ?? [])];
    this.loop = new Loop({
      name: 'check-integrity',
      intervalMs: LOOK_MS,
      logger: options.logger,
      runOnce: async () => {
        await this.runDue();
        return { more: false };
      },
    });
    if (options.registry) showViolations(options.registry, this);
  }

  start(): void {
    this.loop.start();
  }

  /** Waits for the check under way, and begins no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.loop.stop(), this.#demanded?.catch(() => undefined)]);
  }

  /** Runs what is due, and says which invariants that were. */
  async runDue(): Promise<string[]> {
    const settled = performance.now() - this.#madeAt >= COMPUTED_AFTER_MS;
    const due = settled ? this.#all : this.#options.invariants;
    return this.#run(await nextTurns(this.#options.pool, due));
  }

  /** Runs every invariant now, whatever is due; what a replica is checking at this moment is left to it. */
  async runAll(): Promise<string[]> {
    return this.#run(new Map(this.#all.map(({ name }) => [name, 0])));
  }

  /** Runs all, and answers when that is done or when patience is over: then with `running`, and the run goes on. */
  async runOnDemand(patienceMs = PATIENCE_MS): Promise<ServiceIntegrity> {
    this.#demanded ??= this.runAll().finally(() => (this.#demanded = null));
    const run = this.#demanded;
    // One that fails after the answer was sent has nobody else to tell.
    run.catch((error: unknown) => this.#options.logger.warn({ err: error }, 'integrity run failed'));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
    try {
      await Promise.race([run, patience]);
    } finally {
      clearTimeout(timer);
    }
    return this.results();
  }

  /** What is known of each invariant. */
  async results(): Promise<ServiceIntegrity> {
    const { rows } = await this.#options.pool.query<StoredResult>(
      `select invariant, status, violations, examples, error, violated_since, last_run_at, duration_ms from integrity_results`,
    );
    const known = new Map(rows.map((row) => [row.invariant, row]));
    return {
      invariants: this.#all.map((invariant) => toJson(this.#options.service, invariant, known.get(invariant.name))),
      running: this.#demanded !== null,
    };
  }

  async #run(turns: ReadonlyMap<string, number>): Promise<string[]> {
    const { pool } = this.#options;
    const ran: string[] = [];
    const later = await notDue(pool, turns);
    for (const invariant of this.#all) {
      if (this.#stopped) break;
      if (!turns.has(invariant.name) || later.has(invariant.name)) continue;
      if (!(await claimTurn(pool, invariant.name, turns.get(invariant.name)!))) continue;
      const startedAt = performance.now();
      const found = await ('sql' in invariant ? check(pool, invariant) : compute(invariant));
      await saveResult(pool, invariant.name, found, Math.round(performance.now() - startedAt));
      if (found.status !== 'ok') this.#options.logger.error({ invariant: invariant.name, ...found }, 'integrity');
      ran.push(invariant.name);
    }
    return ran;
  }
}

/** Seconds after its last run when each is due. What was found broken is looked at sooner, so that what heals is soon said to be healed. */
async function nextTurns(
  db: Queryable,
  invariants: readonly Pick<Invariant, 'name' | 'every'>[],
): Promise<Map<string, number>> {
  const { rows } = await db.query<{ invariant: string }>(
    `select invariant from integrity_results where status in ('violated', 'failed')`,
  );
  const broken = new Set(rows.map(({ invariant }) => invariant));
  return new Map(invariants.map(({ name, every }) => [name, (broken.has(name) ? SECONDS_BROKEN : SECONDS)[every]]));
}

/** Names of the invariants that surely need no check now: it spares the writes of claims that would fail. */
async function notDue(db: Queryable, turns: ReadonlyMap<string, number>): Promise<Set<string>> {
  const { rows } = await db.query<{ invariant: string }>(
    `select r.invariant
       from integrity_results r
       join unnest($1::text[], $2::integer[]) as wanted (invariant, seconds) on wanted.invariant = r.invariant
      where r.claimed_until > clock.app_now()
         or r.last_run_at > clock.app_now() - make_interval(secs => wanted.seconds)`,
    [[...turns.keys()], [...turns.values()]],
  );
  return new Set(rows.map(({ invariant }) => invariant));
}

interface Found {
  readonly status: 'ok' | 'violated' | 'failed';
  readonly violations: number;
  readonly examples: readonly unknown[];
  readonly error: string | null;
}

async function claimTurn(db: Queryable, name: string, everySeconds: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into integrity_results (invariant, claimed_until)
     values ($1, clock.app_now() + interval '${TURN}')
         on conflict (invariant) do update
        set claimed_until = excluded.claimed_until
      where (integrity_results.claimed_until is null or integrity_results.claimed_until <= clock.app_now())
        and (integrity_results.last_run_at is null
             or integrity_results.last_run_at <= clock.app_now() - make_interval(secs => $2))`,
    [name, everySeconds],
  );
  return rowCount === 1;
}

async function check(pool: Pool, { sql }: Invariant): Promise<Found> {
  try {
    const { rows } = await withTransaction(pool, async (tx) => {
      await tx.query('set transaction read only');
      await tx.query(`set local statement_timeout = ${LIMIT_MS}`);
      // The pool's own limit is for answers that somebody waits for.
      const statement: pg.QueryConfig & { query_timeout: number } = {
        text: `select count(*)::int as violations,
                      coalesce((jsonb_agg(to_jsonb(found)) filter (where place <= ${EXAMPLES})), '[]') as examples
                 from (select found.*, row_number() over () as place from (${sql}) found) found`,
        query_timeout: LIMIT_MS + 500,
      };
      return tx.query<{ violations: number; examples: Record<string, unknown>[] }>(statement);
    });
    const { violations, examples } = rows[0]!;
    for (const example of examples) delete example['place'];
    return { status: violations > 0 ? 'violated' : 'ok', violations, examples, error: null };
  } catch (error) {
    return failed(error);
  }
}

async function compute({ find }: ComputedInvariant): Promise<Found> {
  try {
    const rows = await find();
    const status = rows.length > 0 ? 'violated' : 'ok';
    return { status, violations: rows.length, examples: rows.slice(0, EXAMPLES), error: null };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Found {
  const message = error instanceof Error ? error.message : String(error);
  return { status: 'failed', violations: 0, examples: [], error: message.slice(0, 300) };
}

async function saveResult(db: Queryable, name: string, found: Found, durationMs: number): Promise<void> {
  await db.query(
    `update integrity_results
        set status = $2,
            violations = $3,
            examples = $4::jsonb,
            error = $5,
            violated_since = case $2::text when 'violated' then coalesce(violated_since, clock.app_now())
                                           when 'failed' then violated_since end,
            last_run_at = clock.app_now(),
            duration_ms = $6,
            claimed_until = null
      where invariant = $1`,
    [name, found.status, found.violations, JSON.stringify(found.examples), found.error, durationMs],
  );
}

interface StoredResult {
  readonly invariant: string;
  readonly status: InvariantResultJson['status'];
  readonly violations: number;
  readonly examples: Record<string, unknown>[];
  readonly error: string | null;
  readonly violated_since: Date | null;
  readonly last_run_at: Date | null;
  readonly duration_ms: number | null;
}

function toJson(
  service: string,
  invariant: Omit<Invariant, 'sql'>,
  stored: StoredResult | undefined,
): InvariantResultJson {
  const { name, description, every } = invariant;
  return {
    ...{ service, name, description, every },
    status: stored?.status ?? 'pending',
    violations: stored?.violations ?? 0,
    examples: stored?.examples ?? [],
    violated_since: stored?.violated_since?.toISOString() ?? null,
    last_run_at: stored?.last_run_at?.toISOString() ?? null,
    duration_ms: stored?.duration_ms ?? null,
    error: stored?.error ?? null,
  };
}

/** Read from the stored results, so every replica shows the same; -1 for a check that did not end. */
function showViolations(registry: Registry, auditor: Auditor): void {
  new Gauge({
    name: 'holdfast_integrity_violations',
    help: 'Rows that break an invariant at its last run; -1 when the check did not end',
    labelNames: ['invariant'] as const,
    registers: [registry],
    async collect() {
      // Without the database the gauge keeps its last value; the other metrics must still be readable.
      const results = await auditor.results().catch(() => null);
      for (const { name, status, violations } of results?.invariants ?? []) {
        if (status !== 'pending') this.set({ invariant: name }, status === 'failed' ? -1 : violations);
      }
    },
  });
}
