import type { OutboxStateJson } from '../contracts/delivery-state.ts';
import type { Queryable } from '../db/transaction.ts';

interface OutboxRow {
  readonly now: Date;
  readonly depth: number;
  readonly oldest_at: Date | null;
  readonly scheduled: number;
  readonly unconfirmed: number;
  readonly oldest_unconfirmed_at: Date | null;
  readonly holder: string | null;
  readonly epoch: number;
  readonly expires_at: Date | null;
}

/** What waits in this service's outbox, and who publishes it. Reads partial indexes, whose size is that of the backlog. */
export async function readOutbox(db: Queryable, service: string): Promise<OutboxStateJson> {
  const { rows } = await db.query<OutboxRow>(
    `select clock.app_now() as now, due.depth, due.oldest_at, later.scheduled, sent.unconfirmed, sent.oldest_unconfirmed_at,
            lease.holder, lease.epoch::int as epoch, nullif(lease.expires_at, '-infinity') as expires_at
       from relay_lease lease,
            (select count(*)::int as depth, min(available_at) as oldest_at
               from outbox
              where published_at is null and available_at <= clock.app_now()) due,
            (select count(*)::int as scheduled
               from outbox
              where published_at is null and available_at > clock.app_now()) later,
            (select count(*)::int as unconfirmed, min(published_at) as oldest_unconfirmed_at
               from outbox
              where published_at is not null and confirmed_at is null) sent`,
  );
  const { rows: families } = await db.query<{ family: string; depth: number; oldest_at: Date }>(
    `select family, count(*)::int as depth, min(available_at) as oldest_at
       from outbox
      where published_at is null and available_at <= clock.app_now()
      group by family
      order by oldest_at, family`,
  );
  const row = rows[0]!;
  return {
    service,
    depth: row.depth,
    ...oldest(row.oldest_at, row.now),
    scheduled: row.scheduled,
    unconfirmed: row.unconfirmed,
    oldest_unconfirmed_at: row.oldest_unconfirmed_at?.toISOString() ?? null,
    families: families.map((each) => ({ ...each, oldest_at: each.oldest_at.toISOString() })),
    relay: { holder: row.holder, epoch: row.epoch, expires_at: row.expires_at?.toISOString() ?? null },
  };
}

/** Since when, and how many seconds that is. */
export function oldest(at: Date | null, now: Date): { oldest_at: string | null; oldest_age_seconds: number | null } {
  if (at === null) return { oldest_at: null, oldest_age_seconds: null };
  return { oldest_at: at.toISOString(), oldest_age_seconds: Math.max(0, now.getTime() - at.getTime()) / 1_000 };
}
