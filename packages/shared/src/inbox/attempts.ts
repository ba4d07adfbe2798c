import type { Pool } from '../db/pool.ts';

/** What is known of the attempts at a message, the one that begins now included. */
export interface Attempts {
  readonly attempts: number;
  /** Attempts that began and left no trace of an end: their process died. */
  readonly deaths: number;
}

/**
 * Counts one more attempt, in a commit of its own and before the work, so that one which kills its process is counted. `unwatched`
 * says how many came before the first that is counted: a first delivery is not, so a message that comes again without having left a
 * failure counts as one that ended with its process. `endedHere` says that this process saw the last one end, whatever the database
 * knows of it.
 */
export async function recordStart(
  pool: Pool,
  consumer: string,
  eventId: string,
  { unwatched, endedHere }: { readonly unwatched: 0 | 1; readonly endedHere: boolean },
): Promise<Attempts> {
  const { rows } = await pool.query<{ attempts: number; deaths: number }>(
    `insert into inbox_attempts as counted (consumer, event_id, attempts, deaths, started_at)
     values ($1, $2, $4::integer + 1, $4::integer, clock.app_now())
     on conflict (consumer, event_id) do update
       set attempts = counted.attempts + 1,
           deaths = counted.deaths + (counted.started_at is not null and not $3)::integer,
           started_at = excluded.started_at,
           updated_at = clock.app_now()
     returning attempts, deaths`,
    [consumer, eventId, endedHere, unwatched],
  );
  return rows[0]!;
}

/** Keeps the error of a failed delivery for whoever looks at the message later. */
export async function recordFailure(pool: Pool, consumer: string, eventId: string, error: string): Promise<void> {
  await pool.query(
    `insert into inbox_attempts (consumer, event_id, attempts, last_error)
     values ($1, $2, 1, $3)
     on conflict (consumer, event_id) do update
       set last_error = excluded.last_error, started_at = null, updated_at = clock.app_now()`,
    [consumer, eventId, error],
  );
}

/** Whether an event took effect already: then a delivery of it, however late or often, has nothing left to do. */
export async function tookEffect(pool: Pool, consumer: string, eventId: string): Promise<boolean> {
  const { rowCount } = await pool.query('select from inbox where consumer = $1 and event_id = $2', [consumer, eventId]);
  return rowCount === 1;
}
