import type { WaitlistEntryJson, waitlistQuery } from '@holdfast/shared/contracts/waitlist';
import type { Queryable } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { toEntryJson } from './entry-row.ts';
import { readEntries } from './waitlist-store.ts';

/**
 * Entries in the order in which they joined. A customer sees the own ones; an operator who names an event, a resource or a user sees
 * everybody's of it. @throws Problem `forbidden`, `validation_failed`.
 */
export async function listEntriesOf(
  db: Queryable,
  caller: SignedInCaller,
  query: z.output<typeof waitlistQuery>,
): Promise<Page<WaitlistEntryJson>> {
  const isCustomer = caller.role === 'customer';
  if (isCustomer && query.user_id !== undefined && query.user_id !== caller.userId) throw new Problem('forbidden');
  const looksAtALine = query.event_id !== undefined || query.resource_id !== undefined;
  const { rows, now } = await readEntries(db, {
    userId: query.user_id ?? (isCustomer || !looksAtALine ? caller.userId : null),
    status: query.status,
    eventId: query.event_id,
    resourceId: query.resource_id,
    after: decodeSeq(query.cursor),
    limit: query.limit,
  });
  return toPage(
    rows,
    query.limit,
    (row) => toEntryJson(row, now),
    (row) => [String(row.entry_seq)],
  );
}

function decodeSeq(cursor: string | undefined): string | null {
  const seq = decodeCursor(cursor, 1)?.[0];
  if (seq === undefined) return null;
  if (/^\d{1,18}$/.test(seq)) return seq;
  throw new Problem('validation_failed', {
    errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
  });
}
