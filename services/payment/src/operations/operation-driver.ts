import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { Loop } from '@holdfast/shared/loop';
import type { Logger } from 'pino';
import type { Provider } from '../provider/provider.ts';
import type { Operation } from './operation.ts';
import { claimDueCalls, claimDueRefunds } from './operation-store.ts';
import { performOperation, type Finding } from './perform-operation.ts';
import { settleOperation, type SettledOperation } from './settle-operation.ts';

export interface DriverOptions {
  readonly pool: Pool;
  readonly provider: Provider;
  readonly logger: Logger;
  readonly firstLookMs: number;
  readonly concurrency?: number;
  /** Refunds that all processes together send in a second. */
  readonly refundsPerSecond: number;
  readonly intervalMs?: number;
  /** The chance in the pauses between tries; tests replace it. */
  readonly random?: () => number;
  /** Call after a commit that wrote events. */
  readonly onSettled: () => void;
  /** For metrics: one finished round trip. */
  readonly onCall: (kind: string, outcome: string, seconds: number) => void;
  /** More is due than this process has hands for: let the other replicas know. */
  readonly onSaturated: () => void;
}

/**
 * Longer than a call and a look at the provider's timeout (5 s) each, and short enough that another process has taken over 15 s after its
 * holder died. Who loses it repeats a call with the same key.
 */
const LEASE_MS = 12_000;
const SETTLE_TRIES = 5;
/** Refunds have hands of their own: thousands of them must not keep a customer who pays waiting, nor wait for those who do. */
export const REFUND_HANDS = 4;

/**
 * Carries out what was decided: takes due operations, makes their calls with no transaction open, and commits each result. Any
 * number of processes run one; a slow call occupies one of `concurrency` hands, or one of the refunds' own, and nothing else.
 */
export class OperationDriver {
  readonly #options: DriverOptions;
  readonly #loop: Loop;
  readonly #hands: number;
  readonly #busy = new Set<Promise<void>>();
  readonly #busyRefunds = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#hands = options.concurrency ?? 16;
    this.#loop = new Loop({
      name: 'payment-operations',
      intervalMs: options.intervalMs ?? 500,
      logger: options.logger,
      runOnce: async () => ({ more: (await this.runOnce()) > 0 && this.#busy.size < this.#hands }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Call after a commit that made operations due. */
  nudge(): void {
    if (this.#busy.size >= this.#hands) this.#options.onSaturated();
    this.#loop.nudge();
  }

  /** Takes no more and waits for the calls under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
    await this.idle();
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    while (this.#busy.size + this.#busyRefunds.size > 0) await Promise.all([...this.#busy, ...this.#busyRefunds]);
  }

  /** Takes what is due, as far as hands are free, and returns how many; does not wait for the calls. */
  async runOnce(): Promise<number> {
    if (this.#stopping) return 0;
    const [calls, refunds] = [this.#hands - this.#busy.size, REFUND_HANDS - this.#busyRefunds.size];
    const { pool, refundsPerSecond } = this.#options;
    const taken = await Promise.all([
      calls > 0 ? claimDueCalls(pool, calls, LEASE_MS) : [],
      refunds > 0 ? claimDueRefunds(pool, refunds, refundsPerSecond, LEASE_MS) : [],
    ]);
    this.#begin(taken[0], this.#busy, this.#hands);
    this.#begin(taken[1], this.#busyRefunds, REFUND_HANDS);
    return taken[0].length + taken[1].length;
  }

  /** Carries operations out, each by one of `hands`; the one that was the last free one looks for more when it is done. */
  #begin(operations: readonly Operation[], busy: Set<Promise<void>>, hands: number): void {
    for (const operation of operations) {
      const work = this.#carryOut(operation);
      busy.add(work);
      void work.finally(() => {
        const wasFull = busy.size >= hands;
        busy.delete(work);
        if (wasFull) this.#loop.nudge();
      });
    }
  }

  async #carryOut(operation: Operation): Promise<void> {
    const { provider, logger, onCall } = this.#options;
    const startedAt = performance.now();
    const subject = {
      operation_id: operation.id,
      payment_id: operation.paymentId,
      kind: operation.kind,
      attempt: operation.attempt,
    };
    try {
      failpoint('payment.before_call');
      const finding = await performOperation(provider, operation);
      failpoint('payment.after_call');
      const settled = await this.#settle(operation, finding);
      failpoint('payment.result_committed');
      this.#options.onSettled();
      const ms = Math.round(performance.now() - startedAt);
      onCall(operation.kind, settled.outcome, ms / 1000);
      const record = { ...subject, outcome: settled.outcome, reason: reasonOf(finding), tries: operation.tries, ms };
      if (settled.outcome === 'mismatch') logger.error(record, 'outcome is not about our amount and currency');
      else if (finding.kind === 'later' && finding.reason === 'credentials')
        logger.error(record, 'provider refuses our key');
      else logger.info(record, 'provider call');
      // What waited for this answer goes out of the same hand, without a round through the table.
      for (const next of settled.next) await this.#carryOut(next);
    } catch (error) {
      // The lease runs out and some process takes the operation up again, with the same key.
      onCall(operation.kind, 'error', (performance.now() - startedAt) / 1000);
      logger.warn({ ...subject, err: error }, 'operation interrupted');
    }
  }

  /** A database that is away for a moment must not cost the answer: without it the lease has to run out first. */
  async #settle(operation: Operation, finding: Finding): Promise<SettledOperation> {
    const { pool, firstLookMs, random = Math.random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await withTransaction(pool, (tx) =>
          settleOperation(tx, operation, finding, { firstLookMs, leaseMs: LEASE_MS, random }),
        );
      } catch (error) {
        if (attempt >= SETTLE_TRIES || this.#stopping) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
      }
    }
  }
}

function reasonOf(finding: Finding): string | undefined {
  if ('reason' in finding) return finding.reason;
  if (finding.kind === 'fact' && 'reason' in finding.fact) return finding.fact.reason;
  return undefined;
}
