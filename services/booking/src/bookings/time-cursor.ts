import { Problem } from '@holdfast/shared/problems';

/**
 * A cursor of a time and an id, as two texts for PostgreSQL. The time keeps its microseconds, so it stays text; it is checked here
 * because PostgreSQL would refuse a foreign one with an error of its own. @throws Problem `validation_failed`.
 */
export function decodeTimeCursor(parts: string[] | null): readonly [time: string, id: string] | null {
  if (parts === null) return null;
  const [time, id] = parts as [string, string];
  if (
    !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/.test(time) ||
    Number.isNaN(Date.parse(time.replace(' ', 'T').replace('+00', 'Z')))
  ) {
    throw new Problem('validation_failed', {
      errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
    });
  }
  return [time, id];
}
