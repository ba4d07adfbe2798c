import type { TicketKeyJson } from '@holdfast/shared/contracts/tickets';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { listPublicKeys, type PublicTicketKey } from './ticket-key-store.ts';

/** The public keys of all tickets that are out, the current one first: with them a scanner verifies without asking. */
export async function listTicketKeys(db: Queryable): Promise<TicketKeyJson[]> {
  return (await listPublicKeys(db)).map(toTicketKeyJson);
}

export function toTicketKeyJson(key: PublicTicketKey): TicketKeyJson {
  return {
    object: 'ticket_key',
    kid: key.kid,
    algorithm: 'Ed25519',
    public_key: key.public_key,
    current: key.state === 'CURRENT',
    created_at: key.created_at.toISOString(),
  };
}
