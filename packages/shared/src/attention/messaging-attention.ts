import type { AttentionSource, AttentionRow } from './attention-source.ts';
import { MOST_ITEMS, toAttention } from './attention-source.ts';

/** A message that waits longer than this in the outbox says that nobody publishes. */
const OUTBOX_LIMIT_SECONDS = 10;

/** Dead letters and what the outbox has not sent in time, of any service that has the messaging tables. */
export function messagingAttention(service: string, options: { readonly consumes: boolean }): AttentionSource {
  return async (db) => {
    const letters = options.consumes ? (await db.query<AttentionRow>(DEAD_LETTERS, [MOST_ITEMS])).rows : [];
    const { rows: outbox } = await db.query<AttentionRow>(OUTBOX, [OUTBOX_LIMIT_SECONDS]);
    return toAttention(service, [...letters, ...outbox]);
  };
}

const DEAD_LETTERS = `
select 'dead_letter' as kind, id, case when ordering_key like 'bkg_%' then ordering_key end as booking_id, created_at as since,
       consumer || ': ' || cause || ': ' || left(error, 300) as detail, (count(*) over ())::int as total
  from dead_letters
 where state = 'OPEN'
 order by created_at
 limit $1`;

const OUTBOX = `
select 'outbox_delayed' as kind, null as id, null as booking_id, min(available_at) as since,
       count(*) || ' messages are not published' as detail, count(*)::int as total
  from outbox
 where published_at is null
   and available_at <= clock.app_now() - make_interval(secs => $1)
having count(*) > 0`;
