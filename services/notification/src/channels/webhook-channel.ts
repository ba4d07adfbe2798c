import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { Agent, request } from 'undici';
import { findTarget, keepAttempt, type EndpointId } from '../webhooks/find-target.ts';
import type { TargetGuard } from '../webhooks/target-guard.ts';
import { signWebhook } from '../webhooks/webhook-signature.ts';
import type { Channel, OutboundMessage, SendOutcome } from './channel.ts';
import { pauseOf, readStart } from './http-answer.ts';

export interface WebhookChannelOptions {
  readonly pool: Pool;
  readonly guard: TargetGuard;
  /** Opens the secrets of endpoints. */
  readonly sealer: Sealer;
}

/** The whole call, connection and answer. */
const CALL_LIMIT_MS = 15_000;

/** Signed calls to endpoints. Redirects are not followed: where one leads to was checked by nobody. */
export function createWebhookChannel({ pool, guard, sealer }: WebhookChannelOptions): Channel {
  const guarded = new Agent({ connect: { lookup: guard.lookup, timeout: 5_000 } });
  const development = new Agent({ connect: { timeout: 5_000 } });

  return {
    name: 'webhook',

    async send(message: OutboundMessage): Promise<SendOutcome> {
      assertNoOpenTransaction('webhook');
      const { notice } = message;
      if (!('webhook' in notice)) throw new Error('a mail at the channel of webhooks');
      const endpointId = message.recipient as EndpointId;
      const target = await findTarget(pool, sealer, endpointId);
      if (!target) return { outcome: 'moot', reason: 'the endpoint was deleted' };
      if (!target.enabled) return { outcome: 'refused', reason: 'the endpoint is switched off' };
      if (target.secrets.length === 0) return { outcome: 'put_off', reason: 'its secret cannot be read: rotate it' };

      const { type, timestamp, data } = notice.webhook;
      const body = JSON.stringify({ type, timestamp, data });
      const startedAt = performance.now();
      const answer = await call(target.url, body, {
        'content-type': 'application/json',
        'user-agent': 'Holdfast-Webhooks/1',
        ...signWebhook(target.secrets, { id: message.eventId, timestamp: Math.floor(Date.now() / 1_000), body }),
      });
      const error = errorOf(answer);
      const keep: NonNullable<SendOutcome['keep']> = (tx) =>
        keepAttempt(tx, {
          id: message.leaseId,
          endpointId,
          deliveryId: message.id,
          eventId: message.eventId,
          eventType: type,
          attempt: message.attempts,
          url: target.url,
          responseStatus: answer.status,
          responseBody: answer.body,
          error,
          durationMs: Math.round(performance.now() - startedAt),
        });
      if (error === null) return { outcome: 'accepted', providerMessageId: message.eventId, keep };
      if (answer.status === 410) return { outcome: 'refused', reason: error, keep };
      return {
        outcome: 'put_off',
        reason: error,
        keep,
        ...(answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs }),
      };
    },

    check: () => Promise.resolve('each endpoint for itself'),

    close() {
      void guarded.destroy();
      void development.destroy();
    },
  };

  async function call(url: string, body: string, headers: Record<string, string>): Promise<Answer> {
    const refusal = guard.refusalOfUrl(url);
    if (refusal !== null) return { ...NO_ANSWER, error: `the address ${refusal}` };
    try {
      const answer = await request(url, {
        method: 'POST',
        headers,
        body,
        dispatcher: guard.isForDevelopment(new URL(url)) ? development : guarded,
        signal: AbortSignal.timeout(CALL_LIMIT_MS),
      });
      const status = answer.statusCode;
      const retryAfterMs = status === 429 || status === 503 ? pauseOf(answer.headers['retry-after']) : null;
      return { status, retryAfterMs, body: await readStart(answer.body), error: null };
    } catch (error) {
      return { ...NO_ANSWER, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
  }
}

interface Answer {
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  readonly body: string | null;
  /** Why there is no answer. */
  readonly error: string | null;
}

const NO_ANSWER = { status: null, retryAfterMs: null, body: null } as const;

function errorOf(answer: Answer): string | null {
  if (answer.error !== null) return answer.error;
  const { status } = answer;
  if (status !== null && status >= 200 && status <= 299) return null;
  return `answered ${status}`;
}
