import type { DeadLetterFilter, ServiceReplayJson } from '../contracts/dead-letter-replays.ts';
import type { Queryable, Tx } from '../db/transaction.ts';
import type { Actor } from '../audit/record-audit.ts';
import { TYPE } from './dead-letter-store.ts';

/** Open letters that a filter ($1 consumer, $2 type, $3 cause) is about. */
const MATCHING = `
   from dead_letters
  where state = 'OPEN'
    and ($1::text is null or consumer = $1)
    and ($2::text is null or ${TYPE} = $2)
    and ($3::text is null or cause = $3)`;

const valuesOf = ({ consumer, type, cause }: DeadLetterFilter) => [consumer ?? null, type ?? null, cause ?? null];

/** How many a filter finds, and how many more that cannot be replayed because no consumer could read them. */
export async function countMatching(
  db: Queryable,
  filter: DeadLetterFilter,
): Promise<{ replayable: number; unreadable: number }> {
  const { rows } = await db.query<{ replayable: number; unreadable: number }>(
    `select count(ordering_key)::int as replayable, (count(*) - count(ordering_key))::int as unreadable ${MATCHING}`,
    valuesOf(filter),
  );
  return rows[0]!;
}

/** False when there is a job of this id already. */
export async function insertReplay(
  tx: Tx,
  job: { id: string; filter: DeadLetterFilter; ratePerSecond: number; by: Actor },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into dead_letter_replays (id, filter, rate_per_second, actor, role, request_id)
     values ($1, $2::jsonb, $3, $4, $5, $6)
     on conflict (id) do nothing`,
    [job.id, JSON.stringify(job.filter), job.ratePerSecond, job.by.userId, job.by.role, job.by.requestId],
  );
  return rowCount === 1;
}

export async function insertItems(tx: Tx, id: string, filter: DeadLetterFilter): Promise<number> {
  const { rowCount } = await tx.query(
    `insert into dead_letter_replay_items (replay_id, dead_letter_id)
     select $4, id ${MATCHING} and ordering_key is not null`,
    [...valuesOf(filter), id],
  );
  return rowCount ?? 0;
}

export interface Turn {
  readonly id: string;
  readonly rate_per_second: number;
  readonly by: Actor;
}

/** Takes the turn of a running job that is due, and puts its next one off by a second; null when none is. */
export async function takeTurn(tx: Tx): Promise<Turn | null> {
  const { rows } = await tx.query<{
    id: string;
    rate_per_second: number;
    actor: Actor['userId'];
    role: Actor['role'];
    request_id: Actor['requestId'];
  }>(
    `update dead_letter_replays set next_at = clock.app_now() + interval '1 second'
      where id = (select id
                    from dead_letter_replays
                   where state = 'RUNNING' and next_at <= clock.app_now()
                   order by next_at
                   limit 1
                     for update skip locked)
      returning id, rate_per_second, actor, role, request_id`,
  );
  const row = rows[0];
  if (!row) return null;
  const by = { userId: row.actor, role: row.role, requestId: row.request_id };
  return { id: row.id, rate_per_second: row.rate_per_second, by };
}

/** The next letters of a job, locked, the oldest first. */
export async function lockWaiting(tx: Tx, id: string, most: number): Promise<{ id: string; open: boolean }[]> {
  const { rows } = await tx.query<{ id: string; open: boolean }>(
    `select letter.id, letter.state = 'OPEN' as open
       from dead_letter_replay_items item
       join dead_letters letter on letter.id = item.dead_letter_id
      where item.replay_id = $1 and item.outcome is null
      order by letter.id
      limit $2
        for update of letter`,
    [id, most],
  );
  return rows;
}

export async function settleItems(
  tx: Tx,
  id: string,
  letters: readonly string[],
  outcome: 'replayed' | 'skipped',
): Promise<void> {
  await tx.query(
    `update dead_letter_replay_items set outcome = $3
      where replay_id = $1 and dead_letter_id = any ($2::text[]) and outcome is null`,
    [id, letters, outcome],
  );
}

/** Ends a running job. `ifNothingWaits` leaves one with letters to come. False when it did not. */
export async function endReplay(
  tx: Tx,
  id: string,
  state: 'DONE' | 'STOPPED',
  { ifNothingWaits }: { readonly ifNothingWaits: boolean },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update dead_letter_replays set state = $2, finished_at = clock.app_now()
      where id = $1
        and state = 'RUNNING'
        and (not $3
             or not exists (select from dead_letter_replay_items where replay_id = $1 and outcome is null))`,
    [id, state, ifNothingWaits],
  );
  return rowCount === 1;
}

interface ReplayRow extends Omit<ServiceReplayJson, 'service' | 'created_at' | 'finished_at'> {
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

/** A job and how far it is. */
export async function findReplayRow(db: Queryable, id: string): Promise<ReplayRow | null> {
  const { rows } = await db.query<ReplayRow>(
    `select job.id, job.state, job.filter, job.rate_per_second, job.actor, job.created_at, job.finished_at,
            items.total, items.waiting, items.skipped, items.replayed, items.took_effect, items.failed_again
       from dead_letter_replays job
      cross join lateral (
            select count(*)::int as total,
                   count(*) filter (where item.outcome is null)::int as waiting,
                   count(*) filter (where item.outcome = 'skipped')::int as skipped,
                   count(*) filter (where item.outcome = 'replayed')::int as replayed,
                   count(*) filter (where item.outcome = 'replayed' and received.event_id is not null)::int as took_effect,
                   count(*) filter (where item.outcome = 'replayed' and letter.state = 'OPEN')::int as failed_again
              from dead_letter_replay_items item
              join dead_letters letter on letter.id = item.dead_letter_id
              left join inbox received on received.consumer = letter.consumer and received.event_id = letter.event_id
             where item.replay_id = job.id) items
      where job.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}
