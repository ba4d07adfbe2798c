import type pg from 'pg';

/** A statement as PostgreSQL counted it, values taken out. */
export interface StatementFigures {
  readonly role: string;
  readonly calls: number;
  readonly total_ms: number;
  readonly mean_ms: number;
  readonly rows: number;
  /** Share of its blocks that were in PostgreSQL's memory, 0 to 1; null when it read none. */
  readonly hit_ratio: number | null;
  readonly text: string;
}

export interface TableFigures {
  readonly table: string;
  /** With its indexes. */
  readonly bytes: number;
  readonly index_bytes: number;
  readonly live_rows: number;
  /** Left over by changes, until vacuum has been there. */
  readonly dead_rows: number;
  readonly inserted: number;
  readonly deleted: number;
  /** How often it was read from end to end, and how many rows that took. */
  readonly whole_scans: number;
  readonly rows_by_whole_scans: number;
  readonly hit_ratio: number | null;
  readonly last_vacuum: string | null;
}

export interface UnusedIndex {
  readonly index: string;
  readonly table: string;
  readonly bytes: number;
}

/** What PostgreSQL has counted in one database. */
export interface DatabaseStatistics {
  readonly database: string;
  readonly bytes: number;
  /** Since when it counts tables and indexes, RFC 3339; null: since the database was made. */
  readonly counted_since: string | null;
  readonly hit_ratio: number | null;
  readonly deadlocks: number;
  /** Age of the oldest open transaction, in seconds; vacuum cannot remove what it still might see. */
  readonly oldest_transaction_s: number;
  readonly waiting_for_locks: number;
  /** The costliest first; null where pg_stat_statements does not run. */
  readonly statements: readonly StatementFigures[] | null;
  /** The largest first. */
  readonly tables: readonly TableFigures[];
  /** Indexes that nothing has read and that guard nothing. */
  readonly unused_indexes: readonly UnusedIndex[];
}

/** Reads the statistics of the services' schemas. Changes nothing. `limit` is that of statements. */
export async function readStatistics(
  client: Pick<pg.Client, 'query'>,
  schemas: readonly string[],
  limit: number,
): Promise<DatabaseStatistics> {
  const { rows: whole } = await client.query<Omit<DatabaseStatistics, 'statements' | 'tables' | 'unused_indexes'>>(
    `select datname as database, pg_database_size(datid)::float8 as bytes, to_json(stats_reset) #>> '{}' as counted_since,
            ${ratio('blks_hit', 'blks_read')} as hit_ratio, deadlocks::int,
            -- By the server's own clock, which began this statement at our query_start.
            (select greatest(0, coalesce(max(extract(epoch from us.query_start - a.xact_start)), 0))::float8
               from pg_stat_activity a
               join pg_stat_activity us on us.pid = pg_backend_pid()
              where a.datid = d.datid and a.pid <> us.pid) as oldest_transaction_s,
            (select count(*)::int from pg_stat_activity a
              where a.datid = d.datid and wait_event_type = 'Lock') as waiting_for_locks
       from pg_stat_database d
      where datname = current_database()`,
  );
  const { rows: tables } = await client.query<TableFigures>(
    `select s.schemaname || '.' || s.relname as table,
            pg_total_relation_size(s.relid)::float8 as bytes, pg_indexes_size(s.relid)::float8 as index_bytes,
            n_live_tup::float8 as live_rows, n_dead_tup::float8 as dead_rows,
            n_tup_ins::float8 as inserted, n_tup_del::float8 as deleted,
            seq_scan::float8 as whole_scans, seq_tup_read::float8 as rows_by_whole_scans,
            ${ratio('heap_blks_hit + coalesce(idx_blks_hit, 0)', 'heap_blks_read + coalesce(idx_blks_read, 0)')} as hit_ratio,
            to_json(greatest(last_vacuum, last_autovacuum)) #>> '{}' as last_vacuum
       from pg_stat_user_tables s
       join pg_statio_user_tables io using (relid)
      where s.schemaname = any ($1::text[])
      order by bytes desc, s.relname`,
    [schemas],
  );
  const { rows: unused } = await client.query<UnusedIndex>(
    // A unique index or one of a constraint decides what may be written, whether or not somebody reads by it.
    `select indexrelname as index, schemaname || '.' || relname as table, pg_relation_size(s.indexrelid)::float8 as bytes
       from pg_stat_user_indexes s
       join pg_index i on i.indexrelid = s.indexrelid
      where schemaname = any ($1::text[])
        and idx_scan = 0
        and not indisunique
        and not indisexclusion
      order by bytes desc, indexrelname`,
    [schemas],
  );
  return { ...whole[0]!, statements: await readStatements(client, limit), tables, unused_indexes: unused };
}

async function readStatements(client: Pick<pg.Client, 'query'>, limit: number): Promise<StatementFigures[] | null> {
  const { rows: found } = await client.query<{ place: string | null }>(
    `select (select extnamespace::regnamespace::text from pg_extension where extname = 'pg_stat_statements') as place
      where current_setting('shared_preload_libraries') like '%pg_stat_statements%'`,
  );
  const place = found[0]?.place;
  if (!place) return null;
  const { rows } = await client.query<StatementFigures>(
    `select coalesce(r.rolname, '?') as role, calls::float8 as calls, total_exec_time as total_ms, mean_exec_time as mean_ms,
            rows::float8 as rows, ${ratio('shared_blks_hit', 'shared_blks_read')} as hit_ratio,
            regexp_replace(btrim(query), '\\s+', ' ', 'g') as text
       from ${place}.pg_stat_statements s
       left join pg_roles r on r.oid = s.userid
      where dbid = (select oid from pg_database where datname = current_database())
        and r.rolname like 'holdfast\\_%'
        and toplevel
      order by total_exec_time desc
      limit $1`,
    [limit],
  );
  return rows;
}

function ratio(hit: string, read: string): string {
  return `round((${hit}) / nullif((${hit}) + (${read}), 0)::numeric, 4)::float8`;
}
