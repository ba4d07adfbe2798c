import { decodeCursor } from '@holdfast/shared/http/pagination';
import { Problem } from '@holdfast/shared/problems';

/** Rows that operators alone read are numbered; outside, such a number is an opaque text. */

const LARGEST = 2n ** 63n - 1n;

/** The number in an id of the path, or null when it cannot be one. */
export function parseRowId(text: string): bigint | null {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) <= LARGEST ? BigInt(text) : null;
}

/** The number after which a page begins: that of the row shown last, 0 without a cursor. @throws Problem `validation_failed`. */
export function decodeRowCursor(cursor: string | undefined): bigint {
  const key = decodeCursor(cursor, 1)?.[0];
  if (key === undefined) return 0n;
  const id = parseRowId(key);
  if (id !== null) return id;
  throw new Problem('validation_failed', {
    errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
  });
}
