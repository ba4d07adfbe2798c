import type { QueryConfig } from 'pg';

/**
 * A statement about rows by their ids, the first parameter. For one id it is prepared under `name` and compares with `=`; for several it
 * goes without a name and is planned for what it gets. A prepared statement with an array keeps the plan that was made while its table
 * was small, and that plan reads all of it. `text` gets the right side of the comparison, e.g. `= $1`.
 */
export function byIds(
  name: string,
  ids: readonly string[],
  text: (condition: string) => string,
  more: readonly unknown[] = [],
): QueryConfig {
  return ids.length === 1
    ? { name, text: text('= $1'), values: [ids[0], ...more] }
    : { text: text('= any ($1::text[])'), values: [ids, ...more] };
}
