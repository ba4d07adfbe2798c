import type { Queryable } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { decodeTicket, keyIdOf } from './ticket-code.ts';
import { readPublicKey } from './ticket-key-store.ts';
import { findTicketOwner } from './ticket-store.ts';

export type TicketVerdict =
  { readonly ok: true } | { readonly ok: false; readonly refusal: 'invalid' | 'wrong_booking' };

/** Whether a scanned text is a ticket of ours, signed by a current or previous key, and one of this booking. */
export async function verifyTicket(db: Queryable, code: string, bookingId: BookingId): Promise<TicketVerdict> {
  const kid = keyIdOf(code);
  const key = kid === null ? null : await readPublicKey(db, kid);
  const ticket = key === null ? null : decodeTicket(code, key);
  const owner = ticket === null ? null : await findTicketOwner(db, ticket);
  if (owner === null) return { ok: false, refusal: 'invalid' };
  return owner === bookingId ? { ok: true } : { ok: false, refusal: 'wrong_booking' };
}
