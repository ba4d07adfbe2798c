import type { TicketKeyJson } from '@holdfast/shared/contracts/tickets';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { recordAudit } from '../audit/record-audit.ts';
import { toTicketKeyJson } from './list-ticket-keys.ts';
import { newTicketKey } from './ticket-code.ts';
import { insertFirstKey, lockTicketKeys, readPublicKey, retireCurrentKey } from './ticket-key-store.ts';

/** Signs new tickets with a new key from now on. Tickets that are out stay valid: their keys go on verifying. Audited. */
export async function rotateTicketKey(tx: Tx, caller: SignedInCaller): Promise<TicketKeyJson> {
  const fresh = newTicketKey();
  await lockTicketKeys(tx);
  await retireCurrentKey(tx);
  await insertFirstKey(tx, fresh);
  const key = toTicketKeyJson((await readPublicKey(tx, fresh.kid))!);
  await recordAudit(tx, caller, 'rotate', null, { ...key, id: key.kid });
  return key;
}
