import type {
  DeadLetterGroupJson,
  DeadLetterInFullJson,
  DeadLetterJson,
  OwnDeadLetterQuery,
} from '../contracts/dead-letters.ts';
import type { Queryable } from '../db/transaction.ts';
import { decodeCursor, toPage, type Page } from '../http/pagination.ts';
import { isId, type Id } from '../ids.ts';
import { Problem } from '../problems.ts';
import {
  findDeadLetterRow,
  listDeadLetterGroupRows,
  listDeadLetterRows,
  type DeadLetterRow,
} from './dead-letter-store.ts';

/** Groups that a service shows at most. */
const MOST_GROUPS = 100;

/** A page of this service's dead letters, newest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listDeadLetters(
  db: Queryable,
  service: string,
  query: OwnDeadLetterQuery,
): Promise<Page<DeadLetterJson>> {
  const rows = await listDeadLetterRows(db, {
    type: query.type ?? null,
    cause: query.cause ?? null,
    state: query.state ?? null,
    before: decodeCursor(query.cursor, 1)?.[0] ?? null,
    limit: query.limit + 1,
  });
  return toPage(
    rows,
    query.limit,
    (row) => toJson(service, row),
    (row) => [row.id],
  );
}

/** One with its payload. @throws Problem `not_found`, for a malformed id too. */
export async function readDeadLetter(db: Queryable, service: string, id: string): Promise<DeadLetterInFullJson> {
  const row = isId('dlq', id) ? await findDeadLetterRow(db, id) : null;
  if (!row) throw new Problem('not_found');
  const { subject, payload, headers, errors, waiting, acts } = row;
  return { ...toJson(service, row), subject, payload, headers, errors, waiting, acts };
}

/** The open ones by consumer, type and cause. */
export async function groupDeadLetters(db: Queryable, service: string): Promise<DeadLetterGroupJson[]> {
  const rows = await listDeadLetterGroupRows(db, MOST_GROUPS);
  return rows.map((row) => ({
    service,
    ...row,
    oldest_at: row.oldest_at.toISOString(),
    newest_at: row.newest_at.toISOString(),
  }));
}

function toJson(service: string, row: DeadLetterRow): DeadLetterJson {
  return {
    id: row.id as Id<'dlq'>,
    object: 'dead_letter',
    service,
    consumer: row.consumer,
    type: row.type,
    cause: row.cause,
    error: row.error,
    attempts: row.attempts,
    state: row.state,
    event_id: row.event_id,
    ordering_key: row.ordering_key,
    family: row.family,
    sequence: row.seq,
    created_at: row.created_at.toISOString(),
  };
}
