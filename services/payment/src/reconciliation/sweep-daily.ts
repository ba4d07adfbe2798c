import { Loop } from '@holdfast/shared/loop';
import { postMissing } from '../ledger/post-entries.ts';
import { reconcileProvider, type ReconcileDeps } from './reconcile-provider.ts';
import { claimSweep, finishSweep } from './sweep-store.ts';

const ASK_EVERY_MS = 60_000;

/** Sweeps once a day, and again after 10 minutes when the provider did not answer to the end. Any number of processes run one. */
export class DailySweep {
  readonly #deps: ReconcileDeps;
  readonly #loop: Loop;

  constructor(deps: ReconcileDeps) {
    this.#deps = deps;
    this.#loop = new Loop({
      name: 'payment-reconciliation',
      intervalMs: ASK_EVERY_MS,
      logger: deps.logger,
      runOnce: async () => {
        await this.runOnce();
        return { more: false };
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Sweeps if it is time; true when it did. */
  async runOnce(): Promise<boolean> {
    const { pool, logger } = this.#deps;
    const sweep = await claimSweep(pool);
    if (sweep === null) return false;
    const posted = await postMissing(pool);
    if (posted > 0n) logger.warn({ posted: Number(posted) }, 'facts that the ledger lacked were posted');
    const result = await reconcileProvider(this.#deps, sweep);
    await finishSweep(pool, sweep.id, result);
    logger.info({ ...result, from: sweep.from, to: sweep.to }, "the provider's books were compared with ours");
    return true;
  }
}
