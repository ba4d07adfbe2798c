import type { Logger } from 'pino';
import { recordAudit, type Actor } from '../audit/record-audit.ts';
import type { DeadLetterFilter, ServiceReplayJson } from '../contracts/dead-letter-replays.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction, type Queryable, type Tx } from '../db/transaction.ts';
import { failpoint } from '../failpoints.ts';
import { isId } from '../ids.ts';
import { Loop } from '../loop.ts';
import { Problem } from '../problems.ts';
import { replayDeadLetter } from './decide-dead-letter.ts';
import {
  endReplay,
  findReplayRow,
  insertItems,
  insertReplay,
  lockWaiting,
  settleItems,
  takeTurn,
} from './replay-store.ts';

/** How often a process looks whether a job's turn has come; a turn comes once a second. */
const INTERVAL_MS = 500;

export interface ReplayCommand {
  /** Given by the gateway, the same in every service. */
  readonly id: string;
  readonly filter: DeadLetterFilter;
  readonly ratePerSecond: number;
  readonly by: Actor;
}

/**
 * Begins to replay all open letters that the filter finds now. Which ones is settled here; each is replayed when its turn comes, unless
 * somebody decides about it before. The same id again changes nothing.
 */
export async function startReplay(tx: Tx, command: ReplayCommand): Promise<void> {
  const { id, filter, ratePerSecond } = command;
  if (!(await insertReplay(tx, command))) return;
  const total = await insertItems(tx, id, filter);
  const after = { id, object: 'dead_letter_replay', filter, rate_per_second: ratePerSecond, total };
  await recordAudit(tx, command.by, { action: 'replay', before: null, after, reason: null });
  if (total === 0) await endReplay(tx, id, 'DONE', { ifNothingWaits: true });
}

/**
 * Does one turn of one job: a second's worth of letters in one transaction with the turn itself, so a process that dies leaves the turn
 * to another, and no letter is replayed twice for it.
 */
export async function replayNext(pool: Pool): Promise<{ more: boolean }> {
  const more = await withTransaction(pool, async (tx) => {
    const turn = await takeTurn(tx);
    if (!turn) return false;
    const letters = await lockWaiting(tx, turn.id, turn.rate_per_second);
    const open = letters.filter((letter) => letter.open).map(({ id }) => id);
    for (const id of open) await replayDeadLetter(tx, id, turn.by);
    await settleItems(tx, turn.id, open, 'replayed');
    const others = letters.filter((letter) => !letter.open).map(({ id }) => id);
    await settleItems(tx, turn.id, others, 'skipped');
    await endReplay(tx, turn.id, 'DONE', { ifNothingWaits: true });
    failpoint('dead-letters.replay.before_commit');
    return true;
  });
  if (more) failpoint('dead-letters.replay.after_commit');
  return { more };
}

/** Replays no more letters of a job; those that were replayed stay so. @throws Problem `not_found`, `dead_letter_replay_over`. */
export async function stopReplay(tx: Tx, id: string, by: Actor): Promise<void> {
  if (!isId('rpl', id) || !(await findReplayRow(tx, id))) throw new Problem('not_found');
  if (!(await endReplay(tx, id, 'STOPPED', { ifNothingWaits: false }))) throw new Problem('dead_letter_replay_over');
  const shown = { id, object: 'dead_letter_replay' };
  const inState = (state: ServiceReplayJson['state']) => ({ ...shown, state });
  await recordAudit(tx, by, { action: 'stop', before: inState('RUNNING'), after: inState('STOPPED'), reason: null });
}

/** How far a job of this service is. @throws Problem `not_found`, for a malformed id too. */
export async function readReplay(db: Queryable, service: string, id: string): Promise<ServiceReplayJson> {
  const row = isId('rpl', id) ? await findReplayRow(db, id) : null;
  if (!row) throw new Problem('not_found');
  return {
    ...row,
    service,
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

/** Takes turns of jobs that run, in every process. */
export function createReplayLoop({ pool, logger }: { readonly pool: Pool; readonly logger: Logger }): Loop {
  return new Loop({
    name: 'replay-dead-letters',
    intervalMs: INTERVAL_MS,
    logger,
    runOnce: () => replayNext(pool),
  });
}
