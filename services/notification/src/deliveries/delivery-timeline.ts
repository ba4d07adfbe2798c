import { MICROSECONDS } from '@holdfast/shared/db/instant';
import type { TimelineRow, TimelineSource } from '@holdfast/shared/timeline/timeline-source';

/** The messages about a booking: written, and sent or given up. */
export const deliveryTimeline: TimelineSource = async (db, bookingId) =>
  (await db.query<TimelineRow>(DELIVERIES, [bookingId])).rows;

const DELIVERIES = `
select to_char(created_at at time zone 'utc', ${MICROSECONDS}) as at, 'message.created' as type, event_id as cause,
       channel || ' about "' || kind || '"' || case when state in ('SENT', 'DEAD') then '' when state = 'DROPPED' then ', nobody wants it any more'
         else ', not sent yet' end as summary,
       jsonb_build_object('id', id, 'channel', channel, 'kind', kind, 'status', state, 'attempts', attempts) as data,
       jsonb_build_object('last_error', last_error) as inner
  from deliveries
 where booking_id = $1
union all
select to_char(updated_at at time zone 'utc', ${MICROSECONDS}), 'message.' || lower(state), id,
       channel || ' about "' || kind || '" ' || case state when 'SENT' then 'handed over' else 'given up' end
         || case when attempts > 1 then ' after ' || attempts || ' attempts' else '' end,
       jsonb_build_object('id', id, 'attempts', attempts),
       jsonb_build_object('last_error', last_error, 'provider_message_id', provider_message_id)
  from deliveries
 where booking_id = $1
   and state in ('SENT', 'DEAD')
 order by 1`;
