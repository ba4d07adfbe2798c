import type { Tx } from '@holdfast/shared/db/transaction';
import type { accountEvents } from '@holdfast/shared/contracts/events';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { z } from 'zod';
import type { User } from './user.ts';
import { nextAccountSequence } from './user-store.ts';

type AccountEventName = keyof typeof accountEvents;

/** Puts an event of family account into this transaction's outbox. Nudge the relay after the commit. */
export async function announceAccount<N extends AccountEventName>(
  tx: Tx,
  name: N,
  user: Pick<User, 'id'>,
  data: z.input<(typeof accountEvents)[N]>,
  cause: string,
): Promise<void> {
  const { seq, at } = await nextAccountSequence(tx, user.id);
  await appendToOutbox(tx, '/gateway', [{ family: 'account', name, orderingKey: user.id, seq, data, cause, at }]);
}
