import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { insertAttempt, type NewAttempt } from './attempt-store.ts';
import { disableGone, findEndpoint, listenersOf, sealedSecretsOf, type EndpointId } from './endpoint-store.ts';

export type { EndpointId };

export interface Target {
  readonly url: string;
  readonly enabled: boolean;
  /** What signs, the current one first; empty when none can be read any more. */
  readonly secrets: readonly string[];
}

/** Where a webhook goes and what signs it, as of now. Null when the endpoint was deleted. */
export async function findTarget(pool: Pool, sealer: Sealer, id: EndpointId): Promise<Target | null> {
  const endpoint = await findEndpoint(pool, id);
  if (!endpoint) return null;
  const sealed = await sealedSecretsOf(pool, id);
  const secrets = sealed.map((text) => sealer.unseal(text)).filter((secret) => secret !== null);
  return { url: endpoint.url, enabled: endpoint.status === 'ENABLED', secrets };
}

/** The endpoints that want to know of a type. */
export function findListeners(tx: Tx, type: string): Promise<EndpointId[]> {
  return listenersOf(tx, type);
}

/** Keeps what came of a call, in the transaction of the delivery's outcome. A 410 switches the endpoint off. */
export async function keepAttempt(tx: Tx, attempt: NewAttempt): Promise<void> {
  await insertAttempt(tx, attempt);
  if (attempt.responseStatus === 410) await disableGone(tx, attempt.endpointId, attempt.url);
}
