import pg from 'pg';
import type { Stack } from './stack.ts';

/** Runs one statement in the stack's database as its administrator, past all services. bigint columns come as text. */
export async function query<R extends object>(
  stack: Pick<Stack, 'database'>,
  sql: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: stack.database.adminUrl });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows as R[];
  } finally {
    await client.end();
  }
}
