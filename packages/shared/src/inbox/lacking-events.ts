import { z } from 'zod';
import type { Pool } from '../db/pool.ts';

const ids = z.array(z.string()).max(10_000);

/**
 * Which of these events a consumer lacks: neither took effect, nor wait for their turn, nor stand in the dead letters. Request and
 * answer are JSON arrays of event ids. @throws for a request of another form.
 */
export async function answerLacking(pool: Pool, consumer: string, request: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `select asked.id
       from unnest($2::text[]) as asked (id)
      where not exists (select from inbox where inbox.consumer = $1 and inbox.event_id = asked.id)
        and not exists (select from inbox_parked where inbox_parked.consumer = $1 and inbox_parked.event_id = asked.id)
        and not exists (select from dead_letters where dead_letters.consumer = $1 and dead_letters.event_id = asked.id)`,
    [consumer, ids.parse(JSON.parse(request))],
  );
  return JSON.stringify(rows.map((row) => row.id));
}
