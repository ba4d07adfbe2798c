import type { Pool } from '@holdfast/shared/db/pool';
import { failpoint } from '@holdfast/shared/failpoints';
import { z } from 'zod';
import { verifySignature, type SignatureVerdict } from './signature.ts';
import { insertWebhook } from './webhook-store.ts';

export interface ReceivedWebhook {
  readonly provider: string;
  readonly body: Buffer;
  readonly headers: Record<string, string>;
  readonly signature: string | undefined;
  readonly requestId: string;
}

export type Reception = 'stored' | 'duplicate' | Exclude<SignatureVerdict, 'ok'> | 'malformed';

/** PostgreSQL's text knows no NUL, and an id of a provider is short. */
const text = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\0]+$/);
const envelope = z.object({ id: text, type: text });

/**
 * Checks a callback and commits it as it came; what it means is for later. Nothing of it is believed, or even parsed, before its
 * signature is. @throws when it cannot be stored, so that the provider sends it again.
 */
export async function receiveWebhook(
  deps: { pool: Pool; secrets: readonly string[]; nowMs: () => number },
  webhook: ReceivedWebhook,
): Promise<Reception> {
  const verdict = verifySignature(webhook.signature, webhook.body, deps.secrets, deps.nowMs());
  if (verdict !== 'ok') return verdict;
  const event = readEnvelope(webhook.body);
  if (!event) return 'malformed';

  failpoint('payment.webhook_before_store');
  const row = { ...webhook, eventId: event.id, type: event.type };
  // One statement, which is its own transaction, and one attempt: the provider repeats by itself, and waits for our answer.
  const stored = await insertWebhook(deps.pool, row);
  failpoint('payment.webhook_stored');
  return stored ? 'stored' : 'duplicate';
}

function readEnvelope(body: Buffer): z.infer<typeof envelope> | null {
  try {
    const parsed = envelope.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
