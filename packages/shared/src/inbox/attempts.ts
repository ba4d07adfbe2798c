import type { Pool } from '../db/pool.ts';

/** Counts one more delivery, in a commit of its own, and returns how many there were, this one included. */
export async function recordRedelivery(pool: Pool, consumer: string, eventId: string): Promise<number> {
  const { rows } = await pool.query<{ attempts: number }>(
    `insert into inbox_attempts as counted (consumer, event_id, attempts)
     values ($1, $2, 2)
     on conflict (consumer, event_id) do update
       set attempts = counted.attempts + 1, updated_at = clock.app_now()
     returning attempts`,
    [consumer, eventId],
  );
  return rows[0]!.attempts;
}

/** Keeps the error of a failed delivery for whoever looks at the message later. */
export async function recordFailure(pool: Pool, consumer: string, eventId: string, error: string): Promise<void> {
  await pool.query(
    `insert into inbox_attempts (consumer, event_id, attempts, last_error)
     values ($1, $2, 1, $3)
     on conflict (consumer, event_id) do update set last_error = excluded.last_error, updated_at = clock.app_now()`,
    [consumer, eventId, error],
  );
}
