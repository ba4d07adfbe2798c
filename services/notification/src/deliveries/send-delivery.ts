import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import type { Channel } from '../channels/channel.ts';
import type { NotificationEvents } from '../events.ts';
import { giveUp } from './give-up.ts';
import { retryDelayMs } from '../retries/retry-policy.ts';
import { scheduleRetry } from './schedule-retry.ts';
import { afterFailure, mayAttempt, type LeasedDelivery, type SendFailure } from './delivery.ts';
import { markSent } from './delivery-store.ts';

export interface SendDependencies {
  readonly pool: Pool;
  readonly channel: Channel;
  readonly events: NotificationEvents;
  readonly maxAttempts: number;
  /** In [0, 1); for the jitter of delays. */
  readonly random: () => number;
  /** Whether an outcome that cannot be committed is given up: the process is about to end. */
  readonly stopping: () => boolean;
}

export type SendResult = 'sent' | 'retry' | 'dead' | 'lease_lost';

/**
 * Makes one attempt for a leased delivery and commits what came of it.
 *
 * The honest limit: SMTP has no transaction with us. When the process dies after the server took the message (`notification.after_send`)
 * and before the commit, the lease runs out and the message is sent once more, under the same Message-ID. Nothing else sends twice;
 * a database that is away after the send is waited for.
 */
export async function sendDelivery(deps: SendDependencies, delivery: LeasedDelivery): Promise<SendResult> {
  const attempt = await attemptToSend(deps, delivery);
  if ('providerMessageId' in attempt) {
    const kept = await commit(deps, (tx) => markSent(tx, delivery, attempt.providerMessageId));
    if (!kept) return leaseLost(deps, delivery);
    deps.events.sent(delivery, attempt.providerMessageId);
    return 'sent';
  }

  const next = afterFailure(delivery.attempts, deps.maxAttempts, attempt);
  if (next.step === 'give_up') {
    const kept = await commit(deps, (tx) => giveUp(tx, delivery, next.cause, attempt.reason));
    if (!kept) return leaseLost(deps, delivery);
    deps.events.givenUp(delivery, next.cause, attempt.reason);
    return 'dead';
  }
  const delayMs = retryDelayMs(next.afterAttempt, deps.random());
  const kept = await commit(deps, (tx) => scheduleRetry(tx, delivery, delayMs, attempt.reason));
  if (!kept) return leaseLost(deps, delivery);
  deps.events.putOff(delivery, delayMs, attempt.reason);
  return 'retry';
}

async function attemptToSend(
  deps: SendDependencies,
  delivery: LeasedDelivery,
): Promise<{ providerMessageId: string } | SendFailure> {
  if (!mayAttempt(delivery.attempts, deps.maxAttempts)) {
    return { permanent: false, reason: 'the process ended in each attempt to send this message' };
  }
  failpoint('notification.before_send');
  try {
    const result = await deps.channel.send({
      deliveryId: delivery.id,
      recipient: delivery.recipient,
      notice: delivery.notice,
      createdAt: delivery.createdAt,
    });
    failpoint('notification.after_send');
    if (result.outcome === 'accepted') return { providerMessageId: result.providerMessageId };
    return { permanent: true, reason: withoutAddress(result.reason, delivery.recipient) };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { permanent: false, reason: withoutAddress(reason, delivery.recipient) };
  }
}

/** Servers repeat the recipient in their answers; reasons go to logs and to the dead letters. */
function withoutAddress(reason: string, recipient: string): string {
  return reason.replaceAll(recipient, '[recipient]').slice(0, 1_000);
}

/**
 * Commits an outcome, however long the database is away: forgetting that a message was sent would send it twice. Ends with
 * the process or with the lease. False when the lease was lost.
 */
async function commit(deps: SendDependencies, work: (tx: Tx) => Promise<boolean>): Promise<boolean> {
  for (;;) {
    try {
      return await withTransaction(deps.pool, work);
    } catch (error) {
      if (deps.stopping()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function leaseLost(deps: SendDependencies, delivery: LeasedDelivery): 'lease_lost' {
  deps.events.leaseLost(delivery);
  return 'lease_lost';
}
