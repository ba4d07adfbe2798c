import { MICROSECONDS } from '../db/instant.ts';
import type { TimelineRow, TimelineSource } from './timeline-source.ts';

/** What a service sent about a booking, and what it could not take in. Of any service that has the messaging tables. */
export const messagingTimeline: TimelineSource = async (db, bookingId) => {
  const { rows } = await db.query<TimelineRow>(MESSAGES, [bookingId]);
  return rows;
};

// Steps that the saga asks for are messages of the family `checkout`.
const MESSAGES = `
with sent as (
  select id, family, seq, created_at, available_at, published_at, confirmed_at, replays, payload::jsonb as envelope,
         regexp_replace(payload::jsonb ->> 'type', '^holdfast\\.|\\.v\\d+$', '', 'g') as type
    from outbox
   where ordering_key = $1
)
select to_char(created_at at time zone 'utc', ${MICROSECONDS}) as at,
       case when family = 'checkout' then 'saga.' || split_part(type, '.', 2) else 'event.' || type end as type,
       envelope ->> 'cause' as cause,
       case when family = 'checkout' then 'checkout asks: ' || replace(split_part(type, '.', 2), '_', ' ')
            else 'event ' || type end
       || case when published_at is null then ', not published yet' else '' end
       || case when replays > 0 then ', sent again' else '' end as summary,
       jsonb_build_object(
         'id', id, 'sequence', seq, 'published_at', to_char(published_at at time zone 'utc', ${MICROSECONDS})) as data,
       jsonb_build_object('replays', replays,
         'consumed_by_all_at', to_char(confirmed_at at time zone 'utc', ${MICROSECONDS})) as inner
  from sent
union all
select to_char(parked_at at time zone 'utc', ${MICROSECONDS}), 'event.parked', event_id,
       'event waits for an earlier one of this booking', jsonb_build_object('id', event_id, 'sequence', seq),
       jsonb_build_object('consumer', consumer)
  from inbox_parked
 where ordering_key = $1
union all
select to_char(created_at at time zone 'utc', ${MICROSECONDS}), 'event.dead_letter', event_id,
       'event could not be taken in (' || lower(state) || ')', jsonb_build_object('id', event_id, 'sequence', seq),
       jsonb_build_object('dead_letter', id, 'consumer', consumer, 'error_cause', cause, 'error', left(error, 300))
  from dead_letters
 where ordering_key = $1
 order by 1`;
