import type { StreamName } from '../bus/topology.ts';
import type { Pool } from '../db/pool.ts';

/** An event that was published and of which it is not known yet that every consumer has it. */
export interface UnconfirmedRow {
  readonly id: string;
  readonly stream_seq: bigint;
  readonly stream_epoch: number;
  readonly replays: number;
  /** As the database has it, to the microsecond. */
  readonly published_at: string;
}

/** The families of what is unconfirmed. */
export async function unconfirmedFamilies(pool: Pool): Promise<string[]> {
  // Steps from one family to the next through the index, instead of reading every row of it.
  const { rows } = await pool.query<{ family: string }>(
    `with recursive families as (
       (select family from outbox where published_at is not null and confirmed_at is null order by family limit 1)
       union all
       select (select family
                 from outbox
                where published_at is not null
                  and confirmed_at is null
                  and family > families.family
                order by family
                limit 1)
         from families
        where families.family is not null
     )
     select family from families where family is not null`,
  );
  return rows.map((row) => row.family);
}

/** Events of a family to ask its consumers about: the longest published ones, but none that is still under way. */
export async function readUnconfirmed(pool: Pool, family: string, limit: number): Promise<UnconfirmedRow[]> {
  const { rows } = await pool.query<UnconfirmedRow>(
    `select id, coalesce(stream_seq, 0) as stream_seq, coalesce(stream_epoch, 0) as stream_epoch, replays,
            published_at::text as published_at
       from outbox
      where family = $1
        and published_at is not null
        and confirmed_at is null
        and published_at < (select clock.app_now()) - interval '2 seconds'
      order by published_at
      limit $2`,
    [family, limit],
  );
  return rows;
}

/** Every consumer has these. */
export async function confirm(pool: Pool, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await pool.query(
    `update outbox
        set confirmed_at = (select clock.app_now())
      where id = any ($1::text[])
        and published_at is not null
        and confirmed_at is null`,
    [ids],
  );
}

/** What nobody takes is confirmed as soon as it is published. Returns how many that were. */
export async function confirmFamily(pool: Pool, family: string, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `update outbox
        set confirmed_at = published_at
      where id in (select id
                     from outbox
                    where family = $1
                      and published_at is not null
                      and confirmed_at is null
                    order by published_at
                    limit $2)`,
    [family, limit],
  );
  return rowCount ?? 0;
}

/**
 * Has lost events published again, under another message id. A row that another process has sent again meanwhile, as its time of
 * publication tells, is left alone. Returns how many will be sent.
 */
export async function replay(pool: Pool, lost: readonly UnconfirmedRow[]): Promise<number> {
  if (lost.length === 0) return 0;
  const { rowCount } = await pool.query(
    `update outbox
        set published_at = null, stream_seq = null, replays = replays + 1
       from unnest($1::text[], $2::timestamptz[]) as lost (id, published_at)
      where outbox.id = lost.id
        and outbox.published_at = lost.published_at`,
    [lost.map((row) => row.id), lost.map((row) => row.published_at)],
  );
  return rowCount ?? 0;
}

export interface StreamMark {
  readonly created: string | null;
  readonly highest_seq: bigint;
  readonly epoch: number;
}

/** Null for a stream to which this service has not published yet. */
export async function readMark(pool: Pool, stream: StreamName): Promise<StreamMark | null> {
  const { rows } = await pool.query<StreamMark>(
    'select created, highest_seq, epoch from stream_marks where stream = $1',
    [stream],
  );
  return rows[0] ?? null;
}

/** Keeps the creation time of a stream that was not asked before. */
export async function keepCreated(pool: Pool, stream: StreamName, created: string): Promise<void> {
  await pool.query('update stream_marks set created = $2 where stream = $1 and created is null', [stream, created]);
}

/** Begins a new epoch of a stream, once however many processes notice. Returns whether this call did. */
export async function beginEpoch(
  pool: Pool,
  stream: StreamName,
  before: StreamMark,
  now: { readonly created: string; readonly lastSeq: number },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update stream_marks
        set epoch = epoch + 1, created = $3, highest_seq = $4
      where stream = $1
        and epoch = $2`,
    [stream, before.epoch, now.created, now.lastSeq],
  );
  return rowCount === 1;
}
