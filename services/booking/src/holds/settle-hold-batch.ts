import { failpoint } from '@holdfast/shared/failpoints';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { HoldTimes } from '../bookings/booking.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import type { ReferenceNumbers } from './booking-reference.ts';
import { decideHolds, type HoldLimits, type HoldRefusal } from './decide-holds.ts';
import type { HoldCommand } from './hold-command.ts';
import { readHoldSnapshot } from './read-hold-snapshot.ts';
import { composeHold, writeHolds, type HoldWrite } from './write-holds.ts';

export interface HoldDeps {
  readonly pool: Pool;
  readonly layouts: HallLayouts;
  readonly references: ReferenceNumbers;
  readonly times: HoldTimes;
  readonly limits: HoldLimits;
}

/** What became of one command. */
export type HoldResult =
  | { readonly kind: 'answered'; readonly answer: StoredAnswer; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly refusal: HoldRefusal };

/**
 * Settles a batch of holds in one transaction: lock, read, decide in memory, write the winners. The idempotency claim, the effect and
 * the stored answer are that one transaction, so a crash leaves either all of a hold or nothing. Run again after an error it gives
 * every command that did commit its stored answer.
 */
export async function settleHoldBatch(deps: HoldDeps, commands: readonly HoldCommand[]): Promise<HoldResult[]> {
  await deps.references.reserve(deps.pool, commands.length);
  const results = await withTransaction(
    deps.pool,
    async (tx) => {
      const snapshot = await readHoldSnapshot(tx, deps.layouts, commands);
      const decisions = decideHolds(commands, snapshot, deps.limits);
      const writes = new Map<number, HoldWrite>();
      decisions.forEach((decision, index) => {
        if (decision.kind !== 'granted') return;
        writes.set(
          index,
          composeHold(commands[index]!, decision.hold, deps.references.take(), snapshot.now, deps.times),
        );
      });
      await writeHolds(tx, [...writes.values()], snapshot.now);
      failpoint('booking.hold.before_commit');
      return decisions.map((decision, index): HoldResult => {
        switch (decision.kind) {
          case 'granted':
            return { kind: 'answered', answer: writes.get(index)!.answer, replayed: false };
          case 'same_as':
            return { kind: 'answered', answer: writes.get(decision.index)!.answer, replayed: true };
          case 'stored':
            return { kind: 'answered', answer: snapshot.storedKeys.get(decision.key)!.answer, replayed: true };
          case 'refused':
            return { kind: 'refused', refusal: decision.refusal };
        }
      });
    },
    // The batcher decides what to do about failures.
    { attempts: 1 },
  );
  failpoint('booking.hold.after_commit');
  return results;
}
