import type { AuditChainStateJson, OwnVerifyAuditQuery } from '../contracts/audit.ts';
import type { Pool } from '../db/pool.ts';
import { linkHash } from './audit-chain.ts';

/** Links of one statement, which PostgreSQL hashes in a tenth of a second or so. */
const CHUNK = 2_000;
/** The gateway waits 2 s. */
const PATIENCE_MS = 1_200;
const MOST_SHOWN = 20;

type Broken = AuditChainStateJson['broken'][number];

/**
 * Computes the chain anew and compares, for as long as patience lasts; what is left is gone on with by `after`. Finds an entry that was
 * changed, moved or taken away, a link that was taken away, and an entry that never got one. What was taken away from the end of both
 * tables is found only by a link that was noted before (`seq`, `hash`).
 */
export async function verifyAudit(
  pool: Pool,
  service: string,
  query: OwnVerifyAuditQuery,
  { patienceMs = PATIENCE_MS, chunk = CHUNK } = {},
): Promise<AuditChainStateJson> {
  const until = performance.now() + patienceMs;
  const about = await readAbout(pool);
  const broken: Broken[] = [];
  if (query.seq !== undefined && !(await hasLink(pool, query.seq, query.hash!))) {
    broken.push({ seq: query.seq, audit_id: null, problem: 'noted_link_gone' });
  }
  let through = query.after ?? 0;
  if (about.started_at === null) broken.push({ seq: 0, audit_id: null, problem: 'link_removed' });
  do {
    broken.push(...(await brokenLinks(pool, through, chunk)));
    through = Math.min(through + chunk, Math.max(about.head?.seq ?? 0, through));
  } while (through < (about.head?.seq ?? 0) && performance.now() < until);
  const complete = through >= (about.head?.seq ?? 0);
  if (complete) broken.push(...(await unchained(pool)));
  return {
    service,
    status: broken.length > 0 ? 'broken' : complete ? 'ok' : 'incomplete',
    ...about,
    verified_through: through,
    broken: broken.slice(0, MOST_SHOWN),
  };
}

async function readAbout(pool: Pool): Promise<Pick<AuditChainStateJson, 'started_at' | 'older' | 'head' | 'waiting'>> {
  const { rows } = await pool.query<{
    started_at: Date | null;
    older: number;
    seq: number | null;
    hash: string | null;
    waiting: number;
  }>(
    `select first.chained_at as started_at, head.seq::int as seq, head.hash,
            (select count(*)::int from audit_log where at < first.chained_at) as older,
            (select count(*)::int from audit_unchained) as waiting
       from (select max(chained_at) as chained_at from audit_chain where seq = 0) first
       left join (select seq, hash from audit_chain order by seq desc limit 1) head on true`,
  );
  const { started_at: startedAt, older, seq, hash, waiting } = rows[0]!;
  return {
    started_at: startedAt?.toISOString() ?? null,
    older,
    head: seq === null ? null : { seq, hash: hash! },
    waiting,
  };
}

async function hasLink(pool: Pool, seq: number, hash: string): Promise<boolean> {
  const { rowCount } = await pool.query('select from audit_chain where seq = $1 and hash = $2', [seq, hash]);
  return rowCount === 1;
}

/** Of the links behind `after`, which one stands for being right; at most `chunk` numbers. */
async function brokenLinks(pool: Pool, after: number, chunk: number): Promise<Broken[]> {
  const { rows } = await pool.query<Broken>(
    `select seq::int as seq, audit_id, problem
       from (${judgedLinks('audit_chain', 'audit_log', 'where seq between $1 and $1::bigint + $2')}) judged
      where seq > $1 and problem is not null
      order by seq
      limit $3`,
    [after, chunk, MOST_SHOWN],
  );
  return rows;
}

/**
 * Each link with what is wrong with it, null for nothing. A link is held against the one before it among those that are chosen, so the
 * first of them is compared with nothing.
 */
export function judgedLinks(chainTable: string, logTable: string, chosen = ''): string {
  return `
       select link.seq, link.audit_id,
              case when link.seq_before is distinct from link.seq - 1 then 'link_removed'
                   when log.id is null then 'entry_removed'
                   when link.hash <> ${linkHash('link.seq', 'link.hash_before')} then 'changed' end as problem
         from (select seq, audit_id, hash, lag(seq) over in_order as seq_before, lag(hash) over in_order as hash_before
                 from ${chainTable}
                ${chosen}
               window in_order as (order by seq)) link
         left join ${logTable} log on log.id = link.audit_id`;
}

/** Entries that are in the log, and neither in the chain nor on their way there. */
async function unchained(pool: Pool): Promise<Broken[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select log.id
       from audit_log log
      where not exists (select from audit_chain where audit_chain.audit_id = log.id)
        and not exists (select from audit_unchained where audit_unchained.audit_id = log.id)
      limit $1`,
    [MOST_SHOWN],
  );
  return rows.map(({ id }) => ({ seq: null, audit_id: id, problem: 'unchained' as const }));
}
