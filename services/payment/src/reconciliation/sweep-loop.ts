import { Loop } from '@holdfast/shared/loop';
import { postMissing } from '../ledger/post-entries.ts';
import { reconcileProvider, type ReconcileDeps } from './reconcile-provider.ts';
import { claimDailySweep, claimRequestedSweep, finishSweep } from './sweep-store.ts';

const ASK_EVERY_MS = 10_000;
/** Far more than a sweep of 31 days takes; running it twice finds the same. */
const LEASE_MS = 600_000;

/**
 * Sweeps when an operator asks for it, and once a day by itself; again after 10 minutes when the provider did not answer to the end
 * of a daily one. Any number of processes run one.
 */
export class SweepLoop {
  readonly #deps: ReconcileDeps;
  readonly #loop: Loop;

  constructor(deps: ReconcileDeps) {
    this.#deps = deps;
    this.#loop = new Loop({
      name: 'payment-reconciliation',
      intervalMs: ASK_EVERY_MS,
      logger: deps.logger,
      runOnce: async () => ({ more: await this.runOnce() }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Call after a sweep was asked for. */
  nudge(): void {
    this.#loop.nudge();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Makes the sweep that is due, if there is one; true when it did. */
  async runOnce(): Promise<boolean> {
    const { pool, logger } = this.#deps;
    const sweep = (await claimRequestedSweep(pool, LEASE_MS)) ?? (await claimDailySweep(pool));
    if (sweep === null) return false;
    const posted = await postMissing(pool);
    if (posted > 0n) logger.warn({ posted: Number(posted) }, 'facts that the ledger lacked were posted');
    const result = await reconcileProvider(this.#deps, sweep);
    await finishSweep(pool, sweep.id, result);
    logger.info({ ...result, from: sweep.from, to: sweep.to }, "the provider's books were compared with ours");
    return true;
  }
}
