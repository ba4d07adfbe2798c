import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { migrationSets } from '@holdfast/shared/db/migrate';
import pg from 'pg';

/** One table to copy, with the columns that can be written. */
export interface TableOfOurs {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
}

/** Tables of all services, except those that migrations keep for themselves. A generated column computes itself. */
export async function tablesOf(client: pg.ClientBase): Promise<TableOfOurs[]> {
  const own = [...new Set(SERVICE_SCHEMAS.flatMap((schema) => migrationSets(schema).map(({ table }) => table)))];
  const { rows } = await client.query<TableOfOurs>(
    `select c.relnamespace::regnamespace::text as schema, c.relname as "table", array_agg(a.attname::text order by a.attnum) as columns
       from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      where c.relnamespace::regnamespace::text = any ($1)
        and c.relkind in ('r', 'p')
        and not c.relispartition
        and c.relname <> all ($2)
      group by c.oid
      order by 1, 2`,
    [SERVICE_SCHEMAS, own],
  );
  return rows;
}

/** Names of the migrations that ran in a schema, in order, by the table that keeps them. */
export async function migrationsOf(client: pg.ClientBase, schema: string): Promise<Record<string, string[]>> {
  const names: Record<string, string[]> = {};
  for (const { table } of migrationSets(schema as (typeof SERVICE_SCHEMAS)[number])) {
    const { rows } = await client.query<{ name: string }>(
      `select name from ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)} order by run_on, id`,
    );
    names[table] = rows.map(({ name }) => name);
  }
  return names;
}

export function qualified(schema: string, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

/** For COPY: the table with its columns in parentheses. */
export function withColumns({ schema, table, columns }: TableOfOurs): string {
  return `${qualified(schema, table)} (${columns.map((column) => pg.escapeIdentifier(column)).join(', ')})`;
}
