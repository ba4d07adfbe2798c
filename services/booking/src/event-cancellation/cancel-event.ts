import type { EventCancellationJson } from '@holdfast/shared/contracts/event-cancellation';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { EventId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { recordAudit } from '../audit/record-audit.ts';
import { readEvent } from '../catalogue/events/read-event.ts';
import { stopFollowing } from '../event-reschedule/follow-event.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { closeEvent, insertCancellation, readCancellation, requeueFailed } from './cancellation-store.ts';
import { toCancellationJson } from './read-cancellation.ts';

export interface CancelEventCommand {
  readonly caller: SignedInCaller;
  readonly eventId: EventId;
  readonly reason: string;
}

/**
 * Cancels a whole event. With the commit nobody holds places of it any more, and a job has every booking that was live; the loop
 * carries it out. Cancelling again is the same answer, and takes up again what the job gave up on.
 * @throws Problem `not_found`, `event_over`.
 */
export async function cancelEvent(tx: Tx, command: CancelEventCommand): Promise<EventCancellationJson> {
  const { caller, eventId, reason } = command;
  // Holds are decided under this lock: those before it are in the job, those after it see that the event is closed.
  await lockInventory(tx, [{ event_id: eventId, resource_id: null }]);
  if (await readCancellation(tx, eventId)) {
    await requeueFailed(tx, eventId);
  } else {
    const before = await readEvent(tx, eventId);
    const closed = await closeEvent(tx, eventId);
    if (closed === null) throw new Problem('not_found');
    if (closed === 'over') throw new Problem('event_over');
    await stopFollowing(tx, eventId);
    await insertCancellation(tx, {
      event_id: eventId,
      reason,
      requested_by: caller.userId,
      request_id: caller.requestId,
      traceparent: caller.traceparent,
    });
    await recordAudit(tx, caller, 'cancel', before, (await readEvent(tx, eventId))!, reason);
  }
  return toCancellationJson((await readCancellation(tx, eventId))!);
}
