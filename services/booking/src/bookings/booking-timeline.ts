import { MICROSECONDS } from '@holdfast/shared/db/instant';
import type { TimelineRow, TimelineSource } from '@holdfast/shared/timeline/timeline-source';

/** The transitions of a booking, and where its checkout stands. */
export const bookingTimeline: TimelineSource = async (db, bookingId) => {
  const history = await db.query<TimelineRow>(HISTORY, [bookingId]);
  const saga = await db.query<TimelineRow>(SAGA, [bookingId]);
  return [...history.rows, ...saga.rows];
};

const HISTORY = `
select to_char(at at time zone 'utc', ${MICROSECONDS}) as at, 'booking.' || lower(to_status) as type, cause,
       coalesce(from_status || ' → ', '') || to_status || ' (' || reason || ')' as summary,
       jsonb_build_object('from', from_status, 'to', to_status, 'reason', reason, 'actor', actor) as data,
       null::jsonb as inner
  from booking_history
 where booking_id = $1
 order by version`;

const SAGA = `
select to_char(updated_at at time zone 'utc', ${MICROSECONDS}) as at, 'saga.' || lower(state) as type, null as cause,
       'checkout is ' || state || case when next_action_at is null then '' else ', and goes on by itself' end as summary,
       jsonb_build_object('state', state, 'attempt', attempt, 'payment_id', payment_id) as data,
       jsonb_build_object('undo', undo, 'tries', tries, 'stuck_reason', stuck_reason,
         'next_action_at', to_char(next_action_at at time zone 'utc', ${MICROSECONDS})) as inner
  from checkout_sagas
 where booking_id = $1`;
