import type { Queryable } from '@holdfast/shared/db/transaction';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Policy } from './policy-rules.ts';

/** One counted thing: an account or an address under a policy. */
export interface Subject {
  readonly policy: Policy;
  /** SHA-256. */
  readonly hash: Buffer;
}

export interface Attempts {
  readonly attempts: number;
  /** Until the window ends. */
  readonly leftMs: number;
}

/**
 * Counts one attempt of each subject in one statement, in a fixed order so that two calls cannot lock each other out. Answers in the
 * order of the subjects, this attempt included.
 */
export async function countAttempts(pool: Pool, subjects: readonly Subject[]): Promise<Attempts[]> {
  const { rows } = await pool.query<AttemptRow>({
    name: 'count-attempts',
    text: `insert into auth_attempts as known (policy, subject, attempts, expires_at)
           select policy, subject, 1, clock.app_now() + make_interval(secs => window_seconds)
           from unnest($1::text[], $2::bytea[], $3::int[]) as asked (policy, subject, window_seconds)
           order by policy, subject
           on conflict (policy, subject) do update
           set attempts = case when known.expires_at <= clock.app_now() then 1 else known.attempts + 1 end,
               expires_at = case when known.expires_at <= clock.app_now() then excluded.expires_at else known.expires_at end
           returning policy, subject, attempts, ${LEFT_MS}`,
    values: columnsOf(subjects),
  });
  return inOrder(subjects, rows);
}

/** What stands counted, without counting. */
export async function readAttempts(db: Queryable, subjects: readonly Subject[]): Promise<Attempts[]> {
  const [policies, hashes] = columnsOf(subjects);
  const { rows } = await db.query<AttemptRow>({
    name: 'read-attempts',
    text: `select policy, subject, attempts, ${LEFT_MS}
           from auth_attempts as known
           join unnest($1::text[], $2::bytea[]) as asked (policy, subject) using (policy, subject)
           where expires_at > clock.app_now()`,
    values: [policies, hashes],
  });
  return inOrder(subjects, rows);
}

/** Deletes windows that are over. @returns how many. */
export async function deleteExpiredAttempts(pool: Pool, atMost: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from auth_attempts
     where (policy, subject) in (
       select policy, subject
       from auth_attempts
       where expires_at <= clock.app_now()
       order by expires_at
       limit $1
       for update skip locked
     )`,
    [atMost],
  );
  return rowCount ?? 0;
}

const LEFT_MS = `ceil(extract(epoch from expires_at - clock.app_now()) * 1000)::int as left_ms`;

interface AttemptRow {
  policy: string;
  subject: Buffer;
  attempts: number;
  left_ms: number;
}

function columnsOf(subjects: readonly Subject[]): [string[], Buffer[], number[]] {
  return [
    subjects.map(({ policy }) => policy.name),
    subjects.map(({ hash }) => hash),
    subjects.map(({ policy }) => policy.windowSeconds),
  ];
}

function inOrder(subjects: readonly Subject[], rows: readonly AttemptRow[]): Attempts[] {
  return subjects.map(({ policy, hash }) => {
    const row = rows.find((candidate) => candidate.policy === policy.name && candidate.subject.equals(hash));
    return { attempts: row?.attempts ?? 0, leftMs: row?.left_ms ?? 0 };
  });
}
