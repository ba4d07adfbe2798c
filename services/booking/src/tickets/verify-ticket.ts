import type { Queryable } from '@holdfast/shared/db/transaction';
import { decodeTicket, keyIdOf } from './ticket-code.ts';
import { readPublicKey } from './ticket-key-store.ts';
import { findTicketOwner, type TicketOwner } from './ticket-store.ts';

/** Whose ticket a scanned text is: one of ours, signed by a current or previous key, and written; null for anything else. */
export async function verifyTicket(db: Queryable, code: string): Promise<TicketOwner | null> {
  const kid = keyIdOf(code);
  const key = kid === null ? null : await readPublicKey(db, kid);
  const ticket = key === null ? null : decodeTicket(code, key);
  return ticket === null ? null : findTicketOwner(db, ticket);
}
