import type { OfflineTicketsJson } from '@holdfast/shared/contracts/tickets';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { EventId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { currentTicketKey } from './current-ticket-key.ts';
import { listTicketKeys } from './list-ticket-keys.ts';
import { hashNonce, signText } from './ticket-code.ts';
import { readAdmission } from './ticket-store.ts';

/**
 * The tickets that let somebody in now, for scanners that will have no network: each as the hash of its nonce, the whole list with its
 * time signed by the current key. @throws Problem `not_found`.
 */
export async function readOfflineList(pool: Pool, eventId: EventId): Promise<OfflineTicketsJson> {
  const { admission, key, keys } = await withTransaction(pool, async (tx) => ({
    admission: await readAdmission(tx, eventId),
    key: await currentTicketKey(tx),
    keys: await listTicketKeys(tx),
  }));
  if (!admission) throw new Problem('not_found');
  const tickets = admission.tickets
    .map(({ nonce, checked_in }) => ({ hash: hashNonce(nonce), checked_in }))
    .toSorted((a, b) => (a.hash < b.hash ? -1 : 1));
  const generatedAt = admission.now.toISOString();
  const lines = tickets.map(({ hash, checked_in }) => `${hash} ${checked_in ? 1 : 0}`);
  return {
    object: 'offline_ticket_list',
    event_id: eventId,
    generated_at: generatedAt,
    kid: key.kid,
    keys,
    tickets,
    signature: signText(['HFL1', key.kid, eventId, generatedAt, ...lines].join('\n'), key),
  };
}
