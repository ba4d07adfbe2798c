import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import { Loop } from '@holdfast/shared/loop';
import type { Logger } from 'pino';
import { refundOutcomeOf } from '../operations/perform-operation.ts';
import { resolvePayment } from '../payments/resolve-payment.ts';
import { settleOutcome } from '../payments/settle-outcome.ts';
import { settleRefund } from '../payments/settle-refund.ts';
import { factOf } from '../provider/read-intent.ts';
import { readCallback, type CallbackFact } from '../provider/stripe-objects.ts';
import { isDealtWith } from '../reconciliation/is-dealt-with.ts';
import { claimWebhooks, finishWebhook, parkWebhook, type StoredWebhook } from './webhook-store.ts';

export interface ApplierOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  /** Call after a commit that may have written events or made calls needless. */
  readonly onApplied: () => void;
  /** For metrics: what became of one callback. */
  readonly onResult: (result: string) => void;
  readonly intervalMs?: number;
}

/** Side by side, so few: each takes a connection of the pool, and the calls' results need theirs. */
const BATCH = 8;
const LEASE_MS = 10_000;
const MAX_PARK_MS = 30_000;

/**
 * Applies stored callbacks. Any number of processes run one. A callback for a payment that is not known yet stays and is tried
 * again; one that changes nothing any more is done; two callbacks that tell one fact make one effect.
 */
export class WebhookApplier {
  readonly #options: ApplierOptions;
  readonly #loop: Loop;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'payment-webhooks',
      intervalMs: options.intervalMs ?? 500,
      logger: options.logger,
      runOnce: async () => ({ more: (await this.runOnce()) === BATCH }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  nudge(): void {
    this.#loop.nudge();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Takes up what is due and returns how many. One that fails keeps its lease for a while and holds up none of the others. */
  async runOnce(): Promise<number> {
    const webhooks = await claimWebhooks(this.#options.pool, BATCH, LEASE_MS);
    await Promise.all(webhooks.map((webhook) => this.#apply(webhook)));
    return webhooks.length;
  }

  async #apply(webhook: StoredWebhook): Promise<void> {
    const { pool, logger, onApplied, onResult } = this.#options;
    const subject = { provider_event: webhook.eventId, type: webhook.type };
    try {
      const { result, paymentId } = await withTransaction(pool, (tx) => applyStored(tx, webhook));
      if (result === 'changed' || result === 'mismatch') onApplied();
      onResult(result);
      if (result === 'mismatch')
        logger.error({ ...subject, payment_id: paymentId }, 'callback is not about our amount and currency');
      else logger.info({ ...subject, payment_id: paymentId, result, tries: webhook.tries }, 'callback applied');
    } catch (error) {
      onResult('error');
      logger.warn(
        { ...subject, err: error, tries: webhook.tries },
        'callback could not be applied, will be tried again',
      );
    }
  }
}

interface Applied {
  readonly result: string;
  readonly paymentId: PaymentId | null;
}

/** Applies one stored callback in the given transaction: its effect and its end commit together. */
export async function applyStored(tx: Tx, webhook: StoredWebhook): Promise<Applied> {
  const callback = read(webhook);
  if (callback === null || callback.kind === 'irrelevant') {
    const result = callback === null ? 'unreadable' : 'irrelevant';
    await finishWebhook(tx, webhook, { state: 'IGNORED', result, paymentId: null });
    return { result, paymentId: null };
  }

  const reference = callback.kind === 'intent' ? callback.intent.reference : callback.intentReference;
  const paymentId = await resolvePayment(tx, webhook.provider, {
    reference,
    paymentId: callback.kind === 'intent' ? callback.paymentId : null,
  });
  if (paymentId === null && reference !== null && (await isDealtWith(tx, webhook.provider, reference))) {
    await finishWebhook(tx, webhook, { state: 'IGNORED', result: 'dealt_with', paymentId: null });
    return { result: 'dealt_with', paymentId: null };
  }
  if (paymentId === null) {
    await parkWebhook(tx, webhook, Math.min(MAX_PARK_MS, 500 * 2 ** Math.min(webhook.tries, 10)));
    return { result: 'parked', paymentId: null };
  }
  const result = await settle(tx, callback, paymentId, webhook.eventId);
  await finishWebhook(tx, webhook, { state: 'APPLIED', result, paymentId });
  return { result, paymentId };
}

async function settle(
  tx: Tx,
  callback: Exclude<CallbackFact, { kind: 'irrelevant' }>,
  paymentId: PaymentId,
  cause: string,
): Promise<string> {
  if (callback.kind === 'intent') {
    const fact = factOf(callback.intent);
    return fact === null ? 'nothing_new' : settleOutcome(tx, { paymentId, attempt: null, fact, cause });
  }
  const outcome = refundOutcomeOf(callback.refund);
  // A refund that a person made at the provider has no id of ours: it is for the reconciliation, not for the saga.
  if (outcome === null || callback.refundId === null) return 'nothing_new';
  return settleRefund(tx, callback.refundId, outcome, cause);
}

/** Null for a callback of a kind that concerns us in a form that we cannot read; the driver's own look finds its fact. */
function read(webhook: StoredWebhook): CallbackFact | null {
  try {
    return readCallback(JSON.parse(webhook.body.toString()));
  } catch {
    return null;
  }
}
