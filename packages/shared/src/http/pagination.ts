import { z } from 'zod';
import { Problem } from '../problems.ts';

/** The query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional(),
};

export interface Page<T> {
  object: 'list';
  data: T[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Makes a page of rows read with `limit + 1`: the extra row only tells that there is more. `keyOf` gives the sort key of a row. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  toItem: (row: R) => T,
  keyOf: (row: R) => readonly string[],
): Page<T> {
  const shown = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  const last = shown.at(-1);
  return {
    object: 'list',
    data: shown.map(toItem),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}

/** Opaque to clients: the sort key of the last row shown. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws Problem `validation_failed` for a cursor that no answer of ours contained. */
export function decodeCursor(cursor: string | undefined, parts: number): string[] | null {
  if (cursor === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    // A NUL would be refused by PostgreSQL with an error of its own.
    if (
      Array.isArray(key) &&
      key.length === parts &&
      key.every((part) => typeof part === 'string' && !part.includes('\0'))
    ) {
      return key as string[];
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new Problem('validation_failed', {
    errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
  });
}
