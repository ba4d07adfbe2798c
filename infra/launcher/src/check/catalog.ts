import type pg from 'pg';

/** The tables in which node-pg-migrate keeps what it has run stay after the last step down. */
const BOOKKEEPING = '^migrations(_|$)';

/** One line for each thing in a schema, by kind. `$1` is the schema, `$2` what to leave out. */
const QUERIES: readonly string[] = [
  `select format('relation %s of kind %s, granted %s', c.relname, c.relkind, c.relacl::text) as line
     from pg_class c
    where c.relnamespace = to_regnamespace($1) and c.relkind <> 'i' and c.relname !~ $2`,
  `select concat_ws(' ', format('column %s.%s', c.relname, a.attname), format_type(a.atttypid, a.atttypmod),
                    case when a.attcollation <> 0 then a.attcollation::regcollation::text end,
                    case when a.attnotnull then 'not null' end,
                    nullif(a.attidentity, ''), nullif(a.attgenerated, ''), pg_get_expr(d.adbin, d.adrelid)) as line
     from pg_class c
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname !~ $2`,
  `select format('constraint %s on %s: %s', o.conname, coalesce(c.relname, t.typname), pg_get_constraintdef(o.oid)) as line
     from pg_constraint o
     left join pg_class c on c.oid = o.conrelid
     left join pg_type t on t.oid = o.contypid
    where o.connamespace = to_regnamespace($1) and coalesce(c.relname, '') !~ $2`,
  `select 'index ' || pg_get_indexdef(c.oid) as line
     from pg_class c
     join pg_index i on i.indexrelid = c.oid
     join pg_class t on t.oid = i.indrelid
    where c.relnamespace = to_regnamespace($1) and t.relname !~ $2`,
  `select 'trigger ' || pg_get_triggerdef(g.oid) as line
     from pg_trigger g
     join pg_class c on c.oid = g.tgrelid
    where c.relnamespace = to_regnamespace($1) and not g.tgisinternal and c.relname !~ $2`,
  `select 'function ' || pg_get_functiondef(p.oid) as line
     from pg_proc p
    where p.pronamespace = to_regnamespace($1) and p.prokind in ('f', 'p') and p.proname !~ $2`,
  `select format('type %s of kind %s: %s', t.typname, t.typtype,
                 (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)) as line
     from pg_type t
    where t.typnamespace = to_regnamespace($1) and t.typtype in ('e', 'd', 'r') and t.typname !~ $2`,
];

/** Everything in a schema but the migrations' own bookkeeping, as sorted lines of text: two schemas are alike when these are equal. */
export async function readCatalog(client: pg.Client, schema: string): Promise<string[]> {
  const lines: string[] = [];
  for (const query of QUERIES) {
    const result = await client.query<{ line: string }>(query, [schema, BOOKKEEPING]);
    lines.push(...result.rows.map((row) => row.line));
  }
  return lines.toSorted();
}

/** Lines of one catalog that the other lacks: `- ` only before, `+ ` only after. */
export function catalogDifference(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}
