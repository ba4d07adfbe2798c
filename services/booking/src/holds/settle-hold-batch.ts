import { failpoint } from '@holdfast/shared/failpoints';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { newId } from '@holdfast/shared/ids';
import { auditForCustomer } from '../bookings/audit-for-customer.ts';
import type { HoldTimes } from '../bookings/booking.ts';
import type { HallLayouts } from '../inventory/hall-layout.ts';
import { markLinesServed } from '../waitlist/mark-lines-served.ts';
import { readDueLines } from '../waitlist/read-due-lines.ts';
import type { ReferenceNumbers } from './booking-reference.ts';
import { decideHolds, type HoldLimits, type HoldRefusal } from './decide-holds.ts';
import { composeHold, composeOffer, type HoldWrite } from './compose-hold.ts';
import type { HoldCommand } from './hold-command.ts';
import { readHoldSnapshot, type MoreInventory } from './read-hold-snapshot.ts';
import { serveLines } from './serve-lines.ts';
import { writeHolds } from './write-holds.ts';

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
 * Settles a batch of holds in one transaction: lock, read, serve those who wait, decide in memory, write the winners. The idempotency
 * claim, the effect and the stored answer are that one transaction, so a crash leaves either all of a hold or nothing. Run again after
 * an error it gives every command that did commit its stored answer.
 */
export async function settleHoldBatch(deps: HoldDeps, commands: readonly HoldCommand[]): Promise<HoldResult[]> {
  const numbers = await deps.references.draw(deps.pool, commands.length);
  const { results } = await withTransaction(
    deps.pool,
    async (tx) => {
      const settled = await settle(tx, deps, { commands, numbers });
      failpoint('booking.hold.before_commit');
      return settled;
    },
    // The batcher decides what to do about failures.
    { attempts: 1 },
  );
  failpoint('booking.hold.after_commit');
  return results;
}

/**
 * Offers what is free of this inventory to those who wait for it: a batch in which nobody else asks for anything. Returns how many
 * offers were made, and whether more may be made at once.
 */
export async function settleLines(deps: HoldDeps, of: MoreInventory): Promise<{ offered: number; more: boolean }> {
  const { offered, more } = await withTransaction(deps.pool, async (tx) => {
    const settled = await settle(tx, deps, NOBODY, of);
    if (settled.offered > 0) failpoint('booking.offer.before_commit');
    return settled;
  });
  if (offered > 0) failpoint('booking.offer.after_commit');
  return { offered, more };
}

/** As above, inside the transaction of somebody who takes inventory another way: those who wait for it come first there, too. */
export async function settleLinesIn(tx: Tx, deps: HoldDeps, of: MoreInventory): Promise<void> {
  await settle(tx, deps, NOBODY, of);
}

/** Commands, and for each the number of a reference. */
interface HoldBatch {
  readonly commands: readonly HoldCommand[];
  readonly numbers: readonly number[];
}

const NOBODY: HoldBatch = { commands: [], numbers: [] };

async function settle(
  tx: Tx,
  deps: HoldDeps,
  { commands, numbers }: HoldBatch,
  more?: MoreInventory,
): Promise<{ results: HoldResult[]; offered: number; more: boolean }> {
  const snapshot = await readHoldSnapshot(tx, deps.layouts, commands, more);
  const lines = await readDueLines(tx, snapshot);
  const served = serveLines(lines, snapshot, deps.limits);
  const cause = { id: newId('req'), traceparent: null };
  const offers = served.offers.map((offer) => composeOffer(offer, cause, snapshot.now, deps.times));

  const decisions = decideHolds(commands, snapshot, deps.limits);
  const holds = new Map<number, HoldWrite>();
  decisions.forEach((decision, index) => {
    if (decision.kind !== 'granted') return;
    holds.set(index, composeHold(commands[index]!, decision.hold, numbers[index]!, snapshot.now, deps.times));
  });
  await writeHolds(tx, [...offers, ...holds.values()], snapshot.now);
  for (const { row, call } of holds.values()) {
    if (call?.command.customer) await auditForCustomer(tx, call.command.caller, null, row, snapshot.now);
  }
  await markLinesServed(tx, served);
  const answerOf = (index: number) => holds.get(index)!.call!.answer;
  const results = decisions.map((decision, index): HoldResult => {
    switch (decision.kind) {
      case 'granted':
        return { kind: 'answered', answer: answerOf(index), replayed: false };
      case 'same_as':
        return { kind: 'answered', answer: answerOf(decision.index), replayed: true };
      case 'stored':
        return { kind: 'answered', answer: snapshot.storedKeys.get(decision.key)!.answer, replayed: true };
      case 'refused':
        return { kind: 'refused', refusal: decision.refusal };
    }
  });
  return {
    results,
    offered: offers.length,
    more: lines.length > served.eventIds.length + served.resourceIds.length,
  };
}
