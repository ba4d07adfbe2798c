import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { Loop } from '@holdfast/shared/loop';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { mailToken } from './mail-token.ts';
import { deleteOldTokens, wasMailedLately } from './mailed-token-store.ts';
import { takeResetRequests } from './reset-request-store.ts';
import { findUserByEmail } from './user-store.ts';

const POLL_MS = 1_000;
const BATCH = 20;

export interface ResetMailerDeps {
  readonly pool: Pool;
  readonly sealer: Sealer;
  readonly nudgeRelay: () => void;
  readonly logger: Logger;
}

/**
 * Finds out which of the addresses that asked for a new password have an account, and has a token sent to those, at most one a minute.
 * Runs in every gateway; a request is taken by one of them.
 */
export class ResetMailer {
  readonly #deps: ResetMailerDeps;
  readonly #loop: Loop;

  constructor(deps: ResetMailerDeps) {
    this.#deps = deps;
    this.#loop = new Loop({
      name: 'reset-mailer',
      intervalMs: POLL_MS,
      logger: deps.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** One round. `mailed`: how many tokens were put on their way. */
  async runOnce(): Promise<{ more: boolean; mailed: number }> {
    const { pool, sealer } = this.#deps;
    const { taken, mailed } = await withTransaction(pool, async (tx) => {
      const requests = await takeResetRequests(tx, BATCH);
      let sent = 0;
      for (const { email, requestId } of requests) {
        const user = await findUserByEmail(tx, email);
        if (!user || (await wasMailedLately(tx, user.id, 'reset_password'))) continue;
        await mailToken(tx, sealer, user, 'reset_password', requestId);
        sent += 1;
      }
      if (requests.length > 0) await deleteOldTokens(tx);
      return { taken: requests.length, mailed: sent };
    });
    if (mailed > 0) this.#deps.nudgeRelay();
    return { more: taken === BATCH, mailed };
  }

  start(): void {
    this.#loop.start();
  }

  /** Looks now. */
  nudge(): void {
    this.#loop.nudge();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
