import type { DeadLetterJson } from '../contracts/dead-letters.ts';
import { MILLISECONDS } from '../db/instant.ts';
import type { Queryable } from '../db/transaction.ts';

export interface DeadLetterRow {
  readonly id: string;
  readonly consumer: string;
  readonly type: string | null;
  readonly cause: string;
  readonly error: string;
  readonly attempts: number;
  readonly state: DeadLetterJson['state'];
  readonly event_id: string;
  readonly ordering_key: string | null;
  readonly family: string | null;
  readonly seq: number | null;
  readonly created_at: Date;
}

/**
 * The type in the envelope. It is found by its spelling: a payload may be no JSON, and PostgreSQL refuses to take apart JSON with an
 * escaped NUL, so that one such letter would hide all others.
 */
export const TYPE = `substring(left(payload, 4000) from '"type"[[:space:]]*:[[:space:]]*"(holdfast[.][a-z_]+[.][a-z_]+[.]v[0-9]+)"')`;

const COLUMNS = `id, consumer, ${TYPE} as type, cause, error, attempts, state, event_id, ordering_key, family, seq, created_at`;

/** Newest first, which is the order of their ids; those before `before`, which is an id. */
export async function listDeadLetterRows(
  db: Queryable,
  query: {
    readonly type: string | null;
    readonly cause: string | null;
    readonly state: string | null;
    readonly before: string | null;
    readonly limit: number;
  },
): Promise<DeadLetterRow[]> {
  const { rows } = await db.query<DeadLetterRow>(
    `select ${COLUMNS}
       from dead_letters
      where ($1::text is null or ${TYPE} = $1)
        and ($2::text is null or cause = $2)
        and ($3::text is null or state = $3)
        and ($4::text is null or id < $4 collate "C")
      order by id desc
      limit $5`,
    [query.type, query.cause, query.state, query.before, query.limit],
  );
  return rows;
}

export interface DeadLetterFullRow extends DeadLetterRow {
  readonly subject: string;
  readonly payload: string;
  readonly headers: Record<string, string>;
  readonly errors: { attempt: number; at: string; error: string }[];
  readonly waiting: number;
  readonly acts: {
    act: 'replay' | 'discard' | 'restore';
    actor: string;
    reason: string | null;
    cause: string;
    at: string;
  }[];
}

/** One with its payload, and how many parked events wait behind it. */
export async function findDeadLetterRow(db: Queryable, id: string): Promise<DeadLetterFullRow | null> {
  const { rows } = await db.query<DeadLetterFullRow>(
    `select ${COLUMNS}, subject, payload, headers, errors,
            (select count(*)::int
               from inbox_parked parked
              where parked.consumer = dead_letters.consumer
                and parked.ordering_key = dead_letters.ordering_key
                and parked.family = dead_letters.family
                and parked.seq > dead_letters.seq) as waiting,
            (select coalesce(json_agg(json_build_object('act', act, 'actor', actor, 'reason', reason, 'cause', a.cause,
                      'at', to_char(at at time zone 'utc', ${MILLISECONDS})) order by a.at, a.id), '[]')
               from dead_letter_acts a
              where a.dead_letter_id = dead_letters.id) as acts
       from dead_letters
      where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export interface DeadLetterGroupRow {
  readonly consumer: string;
  readonly type: string | null;
  readonly cause: string;
  readonly count: number;
  readonly oldest_at: Date;
  readonly newest_at: Date;
  readonly error: string;
}

/** OPEN ones by consumer, type and cause, the largest groups first; a bounded number of them. */
export async function listDeadLetterGroupRows(db: Queryable, limit: number): Promise<DeadLetterGroupRow[]> {
  const { rows } = await db.query<DeadLetterGroupRow>(
    `select consumer, ${TYPE} as type, cause, count(*)::int as count, min(created_at) as oldest_at, max(created_at) as newest_at,
            (array_agg(error order by id desc))[1] as error
       from dead_letters
      where state = 'OPEN'
      group by consumer, 2, cause
      order by count desc, consumer, type, cause
      limit $1`,
    [limit],
  );
  return rows;
}
