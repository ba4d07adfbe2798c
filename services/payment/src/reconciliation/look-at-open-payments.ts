import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { Loop } from '@holdfast/shared/loop';
import type { Logger } from 'pino';
import { claimOpenPayments, type OpenPayment } from '../payments/claim-open-payments.ts';
import { settleOutcome } from '../payments/settle-outcome.ts';
import type { Provider } from '../provider/provider.ts';
import { factOf } from '../provider/read-intent.ts';

export interface OpenPaymentLookOptions {
  readonly pool: Pool;
  readonly provider: Provider;
  readonly logger: Logger;
  /** Call after a commit that wrote events. */
  readonly onSettled: () => void;
  /** For metrics: what one look brought. */
  readonly onResult: (result: string) => void;
  readonly intervalMs?: number;
}

/** Each open payment is compared with its intent this often. */
export const LOOK_EVERY_MS = 60_000;
/** Side by side, so few: the calls of checkouts that run come first. */
const BATCH = 4;

/**
 * Reads the intents of payments that are not final and for which no call is under way, and settles what they tell. It finds what
 * only a callback would have told, for instance an authorisation that the provider gave up. Any number of processes run one.
 */
export class OpenPaymentLook {
  readonly #options: OpenPaymentLookOptions;
  readonly #loop: Loop;

  constructor(options: OpenPaymentLookOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'payment-open-payments',
      intervalMs: options.intervalMs ?? 5_000,
      logger: options.logger,
      runOnce: async () => ({ more: (await this.runOnce()) === BATCH }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Looks at what is due, as many as fit side by side, and returns how many that were. */
  async runOnce(): Promise<number> {
    const payments = await claimOpenPayments(this.#options.pool, BATCH, LOOK_EVERY_MS);
    await Promise.all(payments.map((payment) => this.#look(payment)));
    return payments.length;
  }

  /** A look that fails is made again when the payment's turn comes; nothing depends on it. */
  async #look(payment: OpenPayment): Promise<void> {
    const { pool, provider, logger, onSettled, onResult } = this.#options;
    const subject = { payment_id: payment.id, provider_reference: payment.reference };
    try {
      const answer = await provider.retrieveIntent(payment.reference);
      const fact = answer.kind === 'ok' ? factOf(answer.value) : null;
      if (fact === null) return onResult(answer.kind === 'ok' ? 'nothing_new' : answer.kind);
      const settled = await withTransaction(pool, (tx) =>
        settleOutcome(tx, { paymentId: payment.id, attempt: null, fact, cause: 'reconciliation' }),
      );
      onResult(settled);
      if (settled === 'already') return;
      onSettled();
      logger.warn({ ...subject, fact: fact.kind, settled }, 'payment settled by a look that no callback announced');
    } catch (error) {
      onResult('error');
      logger.warn({ ...subject, err: error }, 'look at an open payment failed');
    }
  }
}
