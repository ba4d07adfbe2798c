import type { Tx } from '@holdfast/shared/db/transaction';
import { newTicketKey, type TicketKey } from './ticket-code.ts';
import { insertFirstKey, readCurrentKey } from './ticket-key-store.ts';

/** The key that signs now; the first ticket of an installation makes it. Processes that come together agree on one. */
export async function currentTicketKey(tx: Tx): Promise<TicketKey> {
  const known = await readCurrentKey(tx);
  if (known) return known;
  await insertFirstKey(tx, newTicketKey());
  const key = await readCurrentKey(tx);
  if (!key) throw new Error('there is no current ticket key');
  return key;
}
