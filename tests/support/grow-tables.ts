import pg from 'pg';

/** A table, and what its copied rows differ in: SQL by column, of the number `n` and the row `t` that is copied. */
export interface Growth {
  readonly table: string;
  readonly rows: number;
  /** Which row is copied. */
  readonly from?: string;
  readonly differing: Readonly<Record<string, string>>;
}

/**
 * Fills tables with copies of a row that they have, set-based and past triggers and foreign keys, and analyzes them. Then the
 * counters of scans begin at nought. @throws when a table has no row to copy.
 */
export async function growTables(adminUrl: string, growths: readonly Growth[]): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    for (const { table, rows, from = 'true', differing } of growths) {
      const columns = await client.query<{ name: string }>(
        `select attname as name from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
        [table],
      );
      const names = columns.rows.map(({ name }) => name);
      const unknown = Object.keys(differing).filter((name) => !names.includes(name));
      if (unknown.length > 0) throw new Error(`${table} has no column ${unknown.join(', ')}`);
      const { rowCount } = await client.query(
        `insert into ${table} (${names.join(', ')}) overriding system value
         select ${names.map((name) => differing[name] ?? `t.${name}`).join(', ')}
           from (select * from ${table} where ${from} limit 1) t, generate_series(1, $1::int) n`,
        [rows],
      );
      if (rowCount !== rows) throw new Error(`${table} has no row to copy where ${from}`);
    }
    await client.query('analyze');
    await client.query('select pg_stat_reset()');
  } finally {
    await client.end();
  }
}

/** How often each table of at least `rows` rows was read from its first to its last row since `growTables`. */
export async function wholeScans(adminUrl: string, rows: number): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const found = await client.query<{ name: string; scans: number }>(
      `select schemaname || '.' || s.relname as name, s.seq_scan::int as scans
         from pg_stat_user_tables s
         join pg_class c on c.oid = s.relid
        where s.seq_scan > 0 and c.reltuples >= $1`,
      [rows],
    );
    return Object.fromEntries(found.rows.map(({ name, scans }) => [name, scans]));
  } finally {
    await client.end();
  }
}

/** The nodes of a statement's plan that read all of a table of at least `rows` rows. */
export async function plannedScans(adminUrl: string, sql: string, rows: number): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const plan = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
      `explain (format json, verbose) ${sql}`,
    );
    const large = await client.query<{ name: string }>(
      `select relnamespace::regnamespace || '.' || relname as name from pg_class where relkind = 'r' and reltuples >= $1`,
      [rows],
    );
    const names = new Set(large.rows.map(({ name }) => name));
    return nodesOf(plan.rows[0]!['QUERY PLAN'][0].Plan)
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .map((node) => `${node.Schema}.${node['Relation Name']}`)
      .filter((name) => names.has(name));
  } finally {
    await client.end();
  }
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
