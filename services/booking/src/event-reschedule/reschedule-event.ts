import type { z } from 'zod';
import type { EventRescheduleJson, rescheduleEventBody } from '@holdfast/shared/contracts/event-reschedule';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { EventId } from '@holdfast/shared/ids';
import { Problem, type FieldError } from '@holdfast/shared/problems';
import { recordAudit } from '../audit/record-audit.ts';
import { readEvent } from '../catalogue/events/read-event.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { toRescheduleJson } from './read-reschedule.ts';
import { insertReschedule, moveEvent, readLatestReschedule, readSchedule } from './reschedule-store.ts';
import { salesWindowMoved } from './sales-window-rules.ts';

export interface RescheduleEventCommand {
  readonly caller: SignedInCaller;
  readonly eventId: EventId;
  readonly body: z.output<typeof rescheduleEventBody>;
}

/**
 * Moves an event that has not begun. With the commit holds are made for the new time, and a job has every booking that stood; the loop
 * lets them follow, and tells their customers. Places, prices, expiries and tickets stay. Asking for the time that the event was moved
 * to already is the same answer.
 * @throws Problem `not_found`, `archived`, `event_cancelled`, `event_over`, `validation_failed`.
 */
export async function rescheduleEvent(tx: Tx, command: RescheduleEventCommand): Promise<EventRescheduleJson> {
  const { caller, eventId, body } = command;
  // Holds are decided under this lock: those before it are in the job, those after it have the new time.
  await lockInventory(tx, [{ event_id: eventId, resource_id: null }]);
  const from = await readSchedule(tx, eventId);
  if (!from) throw new Problem('not_found');
  if (from.archived) throw new Problem('archived');
  if (from.cancelled) throw new Problem('event_cancelled');
  if (from.starts_at <= from.now) throw new Problem('event_over');

  const [startsAt, endsAt] = [new Date(body.starts_at), new Date(body.ends_at)];
  if (+startsAt === +from.starts_at && +endsAt === +from.ends_at) {
    const latest = await readLatestReschedule(tx, eventId);
    if (latest && +latest.to_starts_at === +startsAt && +latest.to_ends_at === +endsAt) return toRescheduleJson(latest);
    throw invalid({ pointer: '/starts_at', code: 'unchanged', message: 'the event has this time already' });
  }
  if (startsAt <= from.now) {
    throw invalid({ pointer: '/starts_at', code: 'in_the_past', message: 'must lie in the future' });
  }
  const sales = salesWindowMoved(
    { opensAt: from.sales_open_at, closesAt: from.sales_close_at },
    { opensAt: toDate(body.sales_open_at), closesAt: toDate(body.sales_close_at) },
    +startsAt - +from.starts_at,
  );
  if (sales.opensAt && sales.closesAt && sales.closesAt <= sales.opensAt) {
    const message = `sales would end at ${sales.closesAt.toISOString()}, before they begin`;
    throw invalid({ pointer: '/sales_close_at', code: 'contradictory', message });
  }

  const before = await readEvent(tx, eventId);
  const to = { starts_at: startsAt, ends_at: endsAt, sales_open_at: sales.opensAt, sales_close_at: sales.closesAt };
  await moveEvent(tx, eventId, to);
  await insertReschedule(tx, {
    event_id: eventId,
    reason: body.reason,
    refund: body.refund,
    from,
    to,
    requested_by: caller.userId,
    request_id: caller.requestId,
    traceparent: caller.traceparent,
  });
  await recordAudit(tx, caller, 'reschedule', before, (await readEvent(tx, eventId))!, body.reason);
  return toRescheduleJson((await readLatestReschedule(tx, eventId))!);
}

function toDate(instant: string | null | undefined): Date | null | undefined {
  return typeof instant === 'string' ? new Date(instant) : instant;
}

function invalid(error: FieldError): Problem {
  return new Problem('validation_failed', { errors: [error] });
}
