import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { Loop } from '@holdfast/shared/loop';
import type { Logger } from 'pino';
import { lookPauseMs, OPEN_LOOK_PAUSE_MS, retryPauseMs } from '../operations/operation.ts';
import { performRefund } from '../operations/perform-operation.ts';
import type { Provider } from '../provider/provider.ts';
import {
  claimFindingRefunds,
  endFindingRefund,
  putOffFindingRefund,
  type FindingRefund,
} from './finding-refund-store.ts';
import { lockFinding, resolvePaidBack } from './finding-store.ts';

export interface FindingRefundDeps {
  readonly pool: Pool;
  readonly provider: Provider;
  readonly logger: Logger;
  /** Pause before the first look at an unknown outcome. */
  readonly firstLookMs: number;
}

const LOOK_EVERY_MS = 2_000;
/** They are few, and asked for by hand: one after the other leaves the provider to the checkouts. */
const AT_ONCE = 5;
/** Far above the time of a call; a lost lease does no harm, since the call carries its key. */
const LEASE_MS = 60_000;

/** Makes the refunds of findings at the provider, once each, whatever dies in between. Any number of processes run one. */
export class FindingRefundDriver {
  readonly #deps: FindingRefundDeps;
  readonly #loop: Loop;

  constructor(deps: FindingRefundDeps) {
    this.#deps = deps;
    this.#loop = new Loop({
      name: 'refund-findings',
      intervalMs: LOOK_EVERY_MS,
      logger: deps.logger,
      runOnce: async () => ({ more: (await this.runOnce()) === AT_ONCE }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Call after a refund was asked for. */
  nudge(): void {
    this.#loop.nudge();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Carries out what is due, and says how many that were. */
  async runOnce(): Promise<number> {
    const { pool, provider } = this.#deps;
    const due = await claimFindingRefunds(pool, provider.name, AT_ONCE, LEASE_MS);
    for (const refund of due) await this.#carryOut(refund);
    return due.length;
  }

  async #carryOut(refund: FindingRefund): Promise<void> {
    const { pool, provider, firstLookMs } = this.#deps;
    const { id, tries, paymentId, amount, reference } = refund;
    // Whoever took it up before may have died with the call made.
    const mode = tries === 1 ? 'SEND' : 'LOOK';
    const call = { id, mode, refundId: id, refundAmount: amount, paymentId, idempotencyKey: id } as const;
    const found = await performRefund(provider, call, reference);
    switch (found.kind) {
      case 'refund':
        return this.#settle(refund, found.outcome);
      case 'open':
        return putOffFindingRefund(pool, id, OPEN_LOOK_PAUSE_MS);
      case 'later':
        return putOffFindingRefund(pool, id, retryPauseMs(found.delayMs, tries, Math.random));
      case 'unknown':
        return putOffFindingRefund(pool, id, lookPauseMs(firstLookMs, tries, Math.random));
      default:
        throw new Error(`a refund brought ${found.kind}`);
    }
  }

  async #settle(
    refund: FindingRefund,
    outcome: Extract<Awaited<ReturnType<typeof performRefund>>, { kind: 'refund' }>['outcome'],
  ): Promise<void> {
    const { pool, logger } = this.#deps;
    const failed = outcome.kind === 'refund_failed';
    const settled = await withTransaction(pool, async (tx) => {
      await lockFinding(tx, refund.findingId);
      const ended = await endFindingRefund(
        tx,
        refund.id,
        failed ? { status: 'FAILED', reason: outcome.reason } : { status: 'SUCCEEDED', reference: outcome.reference },
      );
      if (ended && !failed) await resolvePaidBack(tx, refund.findingId, refund.requestedBy, refund.reason);
      return ended;
    });
    if (!settled) return;
    const subject = {
      finding_id: String(refund.findingId),
      refund_id: refund.id,
      provider_reference: refund.reference,
    };
    if (failed) logger.error({ ...subject, reason: outcome.reason }, 'the refund of a finding was refused');
    else logger.info(subject, 'a finding was paid back');
  }
}
