import { MILLISECONDS } from '../db/instant.ts';
import type { Pool } from '../db/pool.ts';

/** Errors that are kept of one message: its newest. */
const ERRORS_KEPT = 20;

/** The JSON of one error, of SQL for the attempt's number and its text. */
export const errorEntry = (attempt: string, error: string) =>
  `jsonb_build_object('attempt', ${attempt}, 'at', to_char(clock.app_now() at time zone 'utc', ${MILLISECONDS}), 'error', ${error})`;

/** The errors of the row `counted` with one more, without the oldest where they are too many. */
const oneMore = (attempt: string, error: string) =>
  `case when jsonb_array_length(counted.errors) >= ${ERRORS_KEPT} then counted.errors - 0 else counted.errors end
           || ${errorEntry(attempt, error)}`;

const DIED = `'process ended while handling it'::text`;

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
    `insert into inbox_attempts as counted (consumer, event_id, attempts, deaths, started_at, errors)
     values ($1, $2, $4::integer + 1, $4::integer, clock.app_now(),
             case when $4::integer = 0 then '[]' else jsonb_build_array(${errorEntry('1', DIED)}) end)
     on conflict (consumer, event_id) do update
       set attempts = counted.attempts + 1,
           deaths = counted.deaths + (counted.started_at is not null and not $3)::integer,
           started_at = excluded.started_at,
           errors = case when counted.started_at is null or $3 then counted.errors else ${oneMore('counted.attempts', DIED)} end,
           updated_at = clock.app_now()
     returning attempts, deaths`,
    [consumer, eventId, endedHere, unwatched],
  );
  return rows[0]!;
}

/** Keeps the error of a failed delivery for whoever looks at the message later. */
export async function recordFailure(pool: Pool, consumer: string, eventId: string, error: string): Promise<void> {
  await pool.query(
    `insert into inbox_attempts as counted (consumer, event_id, attempts, last_error, errors)
     values ($1, $2, 1, $3::text, jsonb_build_array(${errorEntry('1', '$3::text')}))
     on conflict (consumer, event_id) do update
       set last_error = excluded.last_error, started_at = null, updated_at = clock.app_now(),
           errors = ${oneMore('counted.attempts', '$3::text')}`,
    [consumer, eventId, error],
  );
}

/** Whether an event took effect already: then a delivery of it, however late or often, has nothing left to do. */
export async function tookEffect(pool: Pool, consumer: string, eventId: string): Promise<boolean> {
  const { rowCount } = await pool.query('select from inbox where consumer = $1 and event_id = $2', [consumer, eventId]);
  return rowCount === 1;
}
