import type { Logger } from 'pino';
import { MICROSECONDS } from '../db/instant.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction, type Tx } from '../db/transaction.ts';
import { Loop } from '../loop.ts';

/** Entries of one round. */
const BATCH = 200;
/** For how long an entry stands in the log before it is in the chain. */
const INTERVAL_MS = 1_000;

/** An entry `log` as the text that its link covers. jsonb has one spelling for a value, whichever way it was written. */
const ENTRY_TEXT = `jsonb_build_array(log.id, to_char(log.at at time zone 'utc', ${MICROSECONDS}), log.actor, log.role, log.action,
       log.entity_kind, log.entity_id, log.before, log.after, log.request_id, log.reason)::text`;

/** The hash of the link `seq` over the entry `log` and the hash of the link before it; all three are SQL. */
export function linkHash(seq: string, hashBefore: string): string {
  return `encode(sha256(convert_to(${hashBefore} || '|' || ${seq} || '|' || ${ENTRY_TEXT}, 'UTF8')), 'hex')`;
}

export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/**
 * Adds links for entries that have none, in the order of their ids. Safe in several processes: one at a time adds, and the key of the
 * chain has the last word. Returns its new end, null when there was nothing to add or another process is at it.
 */
export function chainAudit(pool: Pool): Promise<Head | null> {
  return withTransaction(pool, async (tx) => ((await takeTurn(tx)) ? addLinks(tx) : null));
}

async function takeTurn(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ mine: boolean }>(
    `select exists (select from audit_unchained)
            and pg_try_advisory_xact_lock(hashtextextended('audit chain of ' || current_schema(), 0)) as mine`,
  );
  return rows[0]!.mine;
}

async function addLinks(tx: Tx): Promise<Head | null> {
  // A statement of its own: it sees what was added before the lock was granted.
  const { rows } = await tx.query<Head>(
    `with recursive waiting as materialized (
       select log.id, log.at, log.actor, log.role, log.action, log.entity_kind, log.entity_id, log.before, log.after,
              log.request_id, log.reason, row_number() over (order by log.id) as n
         from (select audit_id from audit_unchained order by audit_id limit $1) queued
         join audit_log log on log.id = queued.audit_id
     ), link as (
       (select seq, null::text collate "C" as audit_id, hash, 0::bigint as n
          from audit_chain
         order by seq desc
         limit 1)
        union all
       select link.seq + 1, log.id, ${linkHash('(link.seq + 1)', 'link.hash')}, log.n
         from link
         join waiting log on log.n = link.n + 1
     ), added as (
       insert into audit_chain (seq, audit_id, hash)
       select seq, audit_id, hash from link where n > 0
       returning seq, audit_id, hash
     ), no_longer_waiting as (
       delete from audit_unchained using added where audit_unchained.audit_id = added.audit_id
     )
     select seq::int as seq, hash from added order by seq desc limit 1`,
    [BATCH],
  );
  return rows[0] ?? null;
}

/**
 * Chains what was written, each second. The end of the chain goes to the log of the process: who takes entries and links away from the
 * end of both tables would have to change that as well.
 */
export function createChainLoop({ pool, logger }: { readonly pool: Pool; readonly logger: Logger }): Loop {
  return new Loop({
    name: 'chain-audit',
    intervalMs: INTERVAL_MS,
    logger,
    runOnce: async () => {
      const head = await chainAudit(pool);
      if (head) logger.info({ seq: head.seq, hash: head.hash }, 'audit log chained');
      return { more: head !== null };
    },
  });
}
