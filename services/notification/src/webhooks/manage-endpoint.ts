import { recordAudit, type Actor } from '@holdfast/shared/audit/record-audit';
import type {
  changeWebhookEndpointBody,
  createWebhookEndpointBody,
  WebhookEndpointJson,
} from '@holdfast/shared/contracts/webhooks';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import { newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import type { z } from 'zod';
import { dropDeliveriesTo } from '../deliveries/drop-deliveries.ts';
import {
  addSecret,
  findEndpoint,
  insertEndpoint,
  listEndpointRows,
  lockEndpoint,
  markDeleted,
  updateEndpoint,
  type EndpointId,
  type EndpointRow,
} from './endpoint-store.ts';
import type { TargetGuard } from './target-guard.ts';
import { newWebhookSecret } from './webhook-signature.ts';

/** How long a secret signs on after it was replaced. */
const OVERLAP_HOURS = 24;

export interface EndpointDeps {
  readonly pool: Pool;
  readonly guard: TargetGuard;
  readonly sealer: Sealer;
}

/**
 * Registers an endpoint. The secret in the stored answer of a key is sealed; `withSecret` shows it to the caller.
 * @throws Problem `webhook_url_refused`.
 */
export async function createEndpoint(
  deps: EndpointDeps,
  body: z.output<typeof createWebhookEndpointBody>,
  scope: KeyScope | null,
  actor: Actor,
): Promise<OnceAnswered> {
  await refuseUnlessAllowed(deps.guard, body.url);
  return answerOnce(deps.pool, scope, async (tx) => {
    const row = await insertEndpoint(tx, {
      id: newId('whk'),
      url: body.url,
      event_types: body.event_types,
      description: body.description ?? null,
    });
    const secret = deps.sealer.seal(newWebhookSecret());
    await addSecret(tx, row.id, secret, OVERLAP_HOURS);
    await recordAudit(tx, actor, { action: 'create', before: null, after: toEndpointJson(row), reason: null });
    return {
      status: 201,
      headers: { location: `/v1/webhook-endpoints/${row.id}` },
      body: JSON.stringify({ ...toEndpointJson(row), secret }),
    };
  });
}

/** Gives it a new secret; the old one signs beside it for 24 h. @throws Problem `not_found`. */
export function rotateSecret(
  deps: EndpointDeps,
  id: EndpointId,
  scope: KeyScope | null,
  actor: Actor,
): Promise<OnceAnswered> {
  return answerOnce(deps.pool, scope, async (tx) => {
    const row = await lockEndpoint(tx, id);
    if (!row) throw new Problem('not_found');
    const secret = deps.sealer.seal(newWebhookSecret());
    await addSecret(tx, id, secret, OVERLAP_HOURS);
    const shown = toEndpointJson(row);
    // The secret itself stands in no log.
    await recordAudit(tx, actor, { action: 'rotate', before: shown, after: shown, reason: null });
    return { status: 200, headers: {}, body: JSON.stringify({ ...toEndpointJson(row), secret }) };
  });
}

/** The body of an answer with its secret as the caller needs it; null where the secret was sealed under a key that is gone. */
export function withSecret(sealer: Sealer, body: string): string {
  const json = JSON.parse(body) as { secret: string };
  return JSON.stringify({ ...json, secret: sealer.unseal(json.secret) });
}

/** @throws Problem `not_found`, `webhook_url_refused`. */
export async function changeEndpoint(
  deps: EndpointDeps,
  id: EndpointId,
  body: z.output<typeof changeWebhookEndpointBody>,
  actor: Actor,
): Promise<WebhookEndpointJson> {
  if (body.url !== undefined) await refuseUnlessAllowed(deps.guard, body.url);
  return withTransaction(deps.pool, async (tx) => {
    const row = await lockEndpoint(tx, id);
    if (!row) throw new Problem('not_found');
    const changed = await updateEndpoint(tx, {
      id,
      url: body.url ?? row.url,
      event_types: body.event_types ?? row.event_types,
      description: body.description === undefined ? row.description : body.description,
      status: body.status ?? row.status,
    });
    const [before, after] = [toEndpointJson(row), toEndpointJson(changed)];
    await recordAudit(tx, actor, { action: 'update', before, after, reason: null });
    return after;
  });
}

/** Deletes it with its secrets; what is on its way to it is not sent any more. @throws Problem `not_found`. */
export async function deleteEndpoint(deps: EndpointDeps, id: EndpointId, actor: Actor): Promise<void> {
  await withTransaction(deps.pool, async (tx) => {
    const row = await lockEndpoint(tx, id);
    if (!row || !(await markDeleted(tx, id))) throw new Problem('not_found');
    const shown = toEndpointJson(row);
    await recordAudit(tx, actor, { action: 'delete', before: shown, after: shown, reason: null });
    await dropDeliveriesTo(tx, id);
  });
}

/** @throws Problem `not_found`. */
export async function readEndpoint(pool: Pool, id: EndpointId): Promise<WebhookEndpointJson> {
  const row = await findEndpoint(pool, id);
  if (!row) throw new Problem('not_found');
  return toEndpointJson(row);
}

/** Newest first. */
export async function listEndpoints(
  pool: Pool,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<WebhookEndpointJson>> {
  const before = decodeCursor(query.cursor, 1)?.[0] ?? null;
  const rows = await listEndpointRows(pool, before, query.limit + 1);
  return toPage(rows, query.limit, toEndpointJson, (row) => [row.id]);
}

async function refuseUnlessAllowed(guard: TargetGuard, url: string): Promise<void> {
  const refusal = await guard.refusalOf(url);
  if (refusal === null) return;
  throw new Problem('webhook_url_refused', { errors: [{ pointer: '/url', code: 'url_refused', message: refusal }] });
}

function toEndpointJson(row: EndpointRow): WebhookEndpointJson {
  return {
    id: row.id,
    object: 'webhook_endpoint',
    url: row.url,
    event_types: row.event_types,
    description: row.description,
    status: row.status,
    disabled_reason: row.disabled_reason,
    disabled_at: row.disabled_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
