import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import { newId, type BookingId, type ResourceId, type UserId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { Logger } from 'pino';
import { outcome, type LostBecause } from '../events.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import type { SeriesTimes } from './create-series.ts';
import { holdOccurrences } from './hold-occurrences.ts';
import { judgeOccurrences, type JudgedOccurrence } from './occurrence-rules.ts';
import { dueOccurrences, failWaiting, stillWaiting } from './occurrence-store.ts';
import { readSeriesSnapshot } from './series-store.ts';

export interface HoldDueDeps {
  readonly pool: Pool;
  readonly times: SeriesTimes;
  readonly onCommit: () => void;
  readonly logger: Logger;
}

/** Occurrences that one round takes. */
const BATCH = 200;

const REASONS: Readonly<Record<LostBecause, string>> = {
  taken: 'somebody else has the time',
  closed: 'it is closed at that time',
  archived: 'it cannot be booked any more',
  too_late: 'its time came before it could be held',
};

/**
 * Moves the window of every series on: what begins within it now is held, at the price at which it was accepted, or has FAILED when
 * the time is not free any more; the customer is told either way. Any number of processes may do this at once: the lock of the
 * resource lets one of them decide, and what does not wait any more is left alone.
 */
export async function holdDueOccurrences(deps: HoldDueDeps): Promise<{ held: number; lost: number; more: boolean }> {
  const due = await dueOccurrences(deps.pool, deps.times.windowSeconds, BATCH);
  const byResource = new Map<ResourceId, BookingId[]>();
  for (const { id, resource_id } of due) byResource.set(resource_id, [...(byResource.get(resource_id) ?? []), id]);
  const total = { held: 0, lost: 0 };
  for (const [resourceId, ids] of byResource) {
    try {
      const round = await withTransaction(deps.pool, (tx) => settleResource(tx, deps, resourceId, ids));
      failpoint('booking.occurrences.after_commit');
      total.held += round.held;
      total.lost += round.lost;
    } catch (error) {
      // One resource must not keep the others from their customers; it is tried again in the next round.
      deps.logger.error({ err: error, resource_id: resourceId }, 'occurrences could not be held');
    }
  }
  const settled = total.held + total.lost;
  if (settled > 0) deps.onCommit();
  return { ...total, more: due.length === BATCH && settled > 0 };
}

async function settleResource(
  tx: Tx,
  deps: HoldDueDeps,
  resourceId: ResourceId,
  ids: readonly BookingId[],
): Promise<{ held: number; lost: number }> {
  await lockInventory(tx, [{ event_id: null, resource_id: resourceId }]);
  const waiting = await stillWaiting(tx, ids);
  if (waiting.length === 0) return { held: 0, lost: 0 };
  const verdicts = await judge(tx, resourceId, waiting);
  const cause = { id: newId('req'), traceparent: null };
  const held = await holdOccurrences(
    tx,
    waiting.flatMap(({ id }, index) => (verdicts[index] === null ? [id] : [])),
    { holdSeconds: deps.times.holdSeconds, actor: 'system', cause, tellCustomer: true },
  );
  const because = new Map(
    waiting.flatMap(({ id }, index) => (verdicts[index] ? [[id, verdicts[index]] as const] : [])),
  );
  const lost = await failWaiting(
    tx,
    [...because].map(([id, why]) => ({ id, reason: REASONS[why] })),
    { actor: 'system', cause: cause.id },
  );
  await appendToOutbox(
    tx,
    '/booking',
    lost.map((row) => {
      const why = because.get(row.id)!;
      return outcome('failed', row, cause, row.updated_at, { reason: REASONS[why], lost: why });
    }),
  );
  failpoint('booking.occurrences.before_commit');
  return { held: held.length, lost: lost.length };
}

/** For each that waits why it cannot be held, or null when it can. */
async function judge(
  tx: Tx,
  resourceId: ResourceId,
  waiting: readonly { readonly starts_at: Date; readonly ends_at: Date }[],
): Promise<(LostBecause | null)[]> {
  const occurrences = waiting.map(({ starts_at, ends_at }) => ({ local: '', startsAt: starts_at, endsAt: ends_at }));
  const nobody = '' as UserId;
  const { resource, now, taken } = await readSeriesSnapshot(tx, resourceId, occurrences, nobody);
  if (!resource || resource.archived) return waiting.map(() => 'archived');
  // Those that wait find themselves among what waits, and no other: two of them never overlap.
  const claims = taken.filter(({ by }) => by === 'booking');
  const judged = judgeOccurrences(occurrences, new Set(), {
    rules: resource.rules,
    pricePerSlot: { amount: BigInt(resource.price_per_slot), currency: resource.currency },
    now,
    taken: new Map(occurrences.map((_, index) => [index, claims.filter(({ n }) => n === index)])),
  });
  return judged.map(lostBecause);
}

function lostBecause(occurrence: JudgedOccurrence): LostBecause | null {
  switch (occurrence.verdict) {
    case 'free':
      return null;
    case 'closed':
      return occurrence.code === 'in_the_past' ? 'too_late' : 'closed';
    case 'conflict':
    case 'excepted':
      return 'taken';
  }
}
