import type { TicketKeyJson } from '@holdfast/shared/contracts/tickets';
import type { Tx } from '@holdfast/shared/db/transaction';
import { toTicketKeyJson } from './list-ticket-keys.ts';
import { newTicketKey } from './ticket-code.ts';
import { insertFirstKey, lockTicketKeys, readPublicKey, retireCurrentKey } from './ticket-key-store.ts';

/** Signs new tickets with a new key from now on. Tickets that are out stay valid: their keys go on verifying. */
export async function rotateTicketKey(tx: Tx): Promise<TicketKeyJson> {
  const fresh = newTicketKey();
  await lockTicketKeys(tx);
  await retireCurrentKey(tx);
  await insertFirstKey(tx, fresh);
  return toTicketKeyJson((await readPublicKey(tx, fresh.kid))!);
}
