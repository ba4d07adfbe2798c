import type { Queryable, Tx } from '../db/transaction.ts';

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly entity_kind: string;
  readonly entity_id: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown>;
  readonly request_id: string;
  /** In the words of whoever did it, where the action asks for one. */
  readonly reason: string | null;
  readonly seq: number | null;
  readonly hash: string | null;
}

export async function insertAudit(
  tx: Tx,
  entry: Omit<AuditRow, 'at' | 'before' | 'after' | 'seq' | 'hash'> & {
    readonly before: object | null;
    readonly after: object;
  },
): Promise<void> {
  await tx.query(
    `insert into audit_log (id, at, actor, role, action, entity_kind, entity_id, before, after, request_id, reason)
     values ($1, clock.app_now(), $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10)`,
    [
      entry.id,
      entry.actor,
      entry.role,
      entry.action,
      entry.entity_kind,
      entry.entity_id,
      entry.before && JSON.stringify(entry.before),
      JSON.stringify(entry.after),
      entry.request_id,
      entry.reason,
    ],
  );
}

const COLUMNS = `log.id, log.at, log.actor, log.role, log.action, log.entity_kind, log.entity_id, log.before, log.after, log.request_id,
            log.reason, chain.seq::int as seq, chain.hash`;

/** Newest first, one row more than `limit`. */
export async function listAuditRows(
  db: Queryable,
  request: { entity: string | null; actor: string | null; before: string | null; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select ${COLUMNS}
       from audit_log log
       left join audit_chain chain on chain.audit_id = log.id
      where ($1::text is null or log.entity_id = $1)
        and ($2::text is null or log.actor = $2)
        and ($3::text is null or log.id < $3 collate "C")
      order by log.id desc
      limit $4::int + 1`,
    [request.entity, request.actor, request.before, request.limit],
  );
  return rows;
}

export async function findAuditRow(db: Queryable, id: string): Promise<AuditRow | null> {
  const { rows } = await db.query<AuditRow>(
    `select ${COLUMNS}
       from audit_log log
       left join audit_chain chain on chain.audit_id = log.id
      where log.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}
