import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import type { Channel, SendOutcome } from '../channels/channel.ts';
import type { NotificationEvents } from '../events.ts';
import { giveUp } from './give-up.ts';
import { retryDelayMs } from '../retries/retry-policy.ts';
import { scheduleRetry } from './schedule-retry.ts';
import { afterFailure, mayAttempt, type LeasedDelivery } from './delivery.ts';
import { markDropped, markSent, pauseSending } from './delivery-store.ts';

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

export type SendResult = 'sent' | 'retry' | 'dead' | 'dropped' | 'lease_lost';

/**
 * Makes one attempt for a leased delivery and commits what came of it.
 *
 * The honest limit: SMTP and HTTP have no transaction with us. When the process dies after the server took the message (`notification.after_send`)
 * and before the commit, the lease runs out and the message is sent once more, under the same Message-ID or webhook-id. Nothing else sends twice;
 * a database that is away after the send is waited for.
 */
export async function sendDelivery(deps: SendDependencies, delivery: LeasedDelivery): Promise<SendResult> {
  const attempt = await attemptToSend(deps, delivery);
  const keep = attempt.keep ?? (() => Promise.resolve());
  if (attempt.outcome === 'moot') {
    const kept = await commit(deps, (tx) => markDropped(tx, delivery, attempt.reason));
    return kept ? 'dropped' : leaseLost(deps, delivery);
  }
  if (attempt.outcome === 'accepted') {
    const kept = await commit(deps, async (tx) => {
      if (!(await markSent(tx, delivery, attempt.providerMessageId))) return false;
      await keep(tx);
      return true;
    });
    if (!kept) return leaseLost(deps, delivery);
    deps.events.sent(delivery, attempt.providerMessageId);
    return 'sent';
  }

  const failure = {
    permanent: attempt.outcome === 'refused',
    reason: withoutAddress(attempt.reason, delivery.recipient),
  };
  const pauseMs = attempt.outcome === 'put_off' ? (attempt.retryAfterMs ?? null) : null;
  const pause = async (tx: Tx) => {
    if (pauseMs === null) return;
    // An endpoint speaks for itself, a provider of mails or texts for its channel.
    const where = delivery.channel === 'webhook' ? delivery.recipient : '';
    await pauseSending(tx, delivery.channel, where, pauseMs);
  };
  const next = afterFailure(delivery.attempts, deps.maxAttempts, failure);
  if (next.step === 'give_up') {
    const kept = await commit(deps, async (tx) => {
      if (!(await giveUp(tx, delivery, next.cause, failure.reason))) return false;
      await keep(tx);
      await pause(tx);
      return true;
    });
    if (!kept) return leaseLost(deps, delivery);
    deps.events.givenUp(delivery, next.cause, failure.reason);
    return 'dead';
  }
  const delayMs = Math.max(retryDelayMs(next.afterAttempt, deps.random()), pauseMs ?? 0);
  const kept = await commit(deps, async (tx) => {
    if (!(await scheduleRetry(tx, delivery, delayMs, failure.reason))) return false;
    await keep(tx);
    await pause(tx);
    return true;
  });
  if (!kept) return leaseLost(deps, delivery);
  deps.events.putOff(delivery, delayMs, failure.reason);
  return 'retry';
}

async function attemptToSend(deps: SendDependencies, delivery: LeasedDelivery): Promise<SendOutcome> {
  if (!mayAttempt(delivery.attempts, deps.maxAttempts)) {
    return { outcome: 'put_off', reason: 'the process ended in each attempt to send this message' };
  }
  failpoint('notification.before_send');
  try {
    const result = await deps.channel.send(delivery);
    failpoint('notification.after_send');
    return result;
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { outcome: 'put_off', reason };
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
