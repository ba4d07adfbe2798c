import { decodeCursor } from '@holdfast/shared/http/pagination';
import { isId, type IdPrefix } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';

/** Where a page of a catalogue list starts: after the object with this creation time (microseconds of the epoch) and id. */
export interface ListPosition {
  readonly createdMicros: string;
  readonly id: string;
}

/** What a store is asked for: one row more than `limit` tells that there is another page. */
export interface ListRequest {
  readonly limit: number;
  readonly after: ListPosition | null;
  readonly venueId: string | null;
}

/** @throws Problem `validation_failed` for a cursor that no list of this kind has given out. */
export function readPosition(cursor: string | undefined, prefix: IdPrefix): ListPosition | null {
  const key = decodeCursor(cursor, 2);
  if (key === null) return null;
  const [createdMicros, id] = key as [string, string];
  if (/^\d{1,16}$/.test(createdMicros) && isId(prefix, id)) return { createdMicros, id };
  throw new Problem('validation_failed', {
    errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
  });
}
