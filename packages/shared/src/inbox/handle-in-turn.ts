import type { Tx } from '../db/transaction.ts';
import type { IncomingEvent } from './incoming-event.ts';

type Handle = (tx: Tx, event: IncomingEvent) => Promise<void | (() => void)>;

/**
 * Handles several events in one transaction, one after the other in the order of their keys: one commit for all. For a handler that locks
 * nothing beside what belongs to its own ordering key; any other needs a function that takes the locks of all events in the common
 * order.
 */
export function handleInTurn(handle: Handle) {
  return async (tx: Tx, events: readonly IncomingEvent[]): Promise<() => void> => {
    const followUps: (() => void)[] = [];
    const sorted = [...events].sort((a, b) => (a.orderingKey < b.orderingKey ? -1 : 1));
    for (const event of sorted) {
      const followUp = await handle(tx, event);
      if (followUp) followUps.push(followUp);
    }
    return () => followUps.forEach((followUp) => followUp());
  };
}
