import {
  WEBHOOK_TEST_TYPE,
  type WebhookAttemptJson,
  type WebhookDeliveryJson,
} from '@holdfast/shared/contracts/webhooks';
import type { Pool } from '@holdfast/shared/db/pool';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import { newId, type UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { makeDueAgain } from '../deliveries/make-due-again.ts';
import { recordWebhook } from '../deliveries/record-webhook.ts';
import { findAttempt, listAttemptRows, type AttemptId, type AttemptRow } from './attempt-store.ts';
import { findEndpoint, lockEndpoint, type EndpointId } from './endpoint-store.ts';

/** Sends the endpoint a `webhook.test`, whatever it listens to. @throws Problem `not_found`, `webhook_endpoint_disabled`. */
export function testEndpoint(
  pool: Pool,
  request: { endpointId: EndpointId; userId: UserId; scope: KeyScope | null },
): Promise<OnceAnswered> {
  return answerOnce(pool, request.scope, async (tx) => {
    const endpoint = await lockEndpoint(tx, request.endpointId);
    if (!endpoint) throw new Problem('not_found');
    if (endpoint.status === 'DISABLED') throw new Problem('webhook_endpoint_disabled');
    const eventId = newId('msg');
    const { rows } = await tx.query<{ at: Date }>('select clock.app_now() as at');
    await recordWebhook(tx, {
      eventId,
      endpointId: endpoint.id,
      bookingId: null,
      userId: request.userId,
      traceparent: null,
      payload: {
        type: WEBHOOK_TEST_TYPE,
        timestamp: rows[0]!.at.toISOString(),
        data: { endpoint_id: endpoint.id },
      },
    });
    return accepted({ endpointId: endpoint.id, eventId, eventType: WEBHOOK_TEST_TYPE, status: 'DUE' });
  });
}

/**
 * Sends the message of an attempt once more under its `webhook-id`, with fresh attempts, whether it had arrived or was given up.
 * @throws Problem `not_found`, `webhook_endpoint_disabled`.
 */
export function resendAttempt(
  pool: Pool,
  request: { endpointId: EndpointId; attemptId: AttemptId; scope: KeyScope | null },
): Promise<OnceAnswered> {
  return answerOnce(pool, request.scope, async (tx) => {
    const endpoint = await lockEndpoint(tx, request.endpointId);
    const attempt = endpoint && (await findAttempt(tx, endpoint.id, request.attemptId));
    if (!endpoint || !attempt) throw new Problem('not_found');
    if (endpoint.status === 'DISABLED') throw new Problem('webhook_endpoint_disabled');
    const status = await makeDueAgain(tx, attempt.delivery_id);
    return accepted({ endpointId: endpoint.id, eventId: attempt.event_id, eventType: attempt.event_type, status });
  });
}

/** Newest first. @throws Problem `not_found`. */
export async function listAttempts(
  pool: Pool,
  endpointId: EndpointId,
  query: { limit: number; cursor?: string | undefined; status?: string | undefined },
): Promise<Page<WebhookAttemptJson>> {
  if (!(await findEndpoint(pool, endpointId))) throw new Problem('not_found');
  const before = decodeCursor(query.cursor, 1)?.[0] ?? null;
  const filter = { endpointId, status: query.status ?? null, before, limit: query.limit + 1 };
  return toPage(await listAttemptRows(pool, filter), query.limit, toAttemptJson, (row) => [row.id]);
}

function accepted(delivery: {
  endpointId: EndpointId;
  eventId: string;
  eventType: string;
  status: WebhookDeliveryJson['status'];
}) {
  const body: WebhookDeliveryJson = {
    object: 'webhook_delivery',
    endpoint_id: delivery.endpointId,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    status: delivery.status,
  };
  const headers = { location: `/v1/webhook-endpoints/${delivery.endpointId}/attempts` };
  return { status: 202, headers, body: JSON.stringify(body) };
}

function toAttemptJson(row: AttemptRow): WebhookAttemptJson {
  return {
    id: row.id,
    object: 'webhook_attempt',
    endpoint_id: row.endpoint_id,
    event_id: row.event_id,
    event_type: row.event_type,
    attempt: row.attempt,
    url: row.url,
    status: row.status,
    response_status: row.response_status,
    response_body: row.response_body,
    error: row.error,
    duration_ms: row.duration_ms,
    delivery: {
      status: row.delivery_state,
      next_attempt_at: row.delivery_state === 'WAITING' ? row.due_at.toISOString() : null,
    },
    created_at: row.created_at.toISOString(),
  };
}
