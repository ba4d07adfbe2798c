import { MICROSECONDS } from '@holdfast/shared/db/instant';
import type { TimelineRow, TimelineSource } from '@holdfast/shared/timeline/timeline-source';

/** Attempts, calls to the provider, refunds and callbacks of a booking's payment. */
export const paymentTimeline: TimelineSource = async (db, bookingId) =>
  (await db.query<TimelineRow>(PAYMENT, [bookingId])).rows;

const time = (column: string) => `to_char(${column} at time zone 'utc', ${MICROSECONDS})`;

// What has a beginning and an end is two entries; the second names the first as its cause.
const PAYMENT = `
with paid as (select id, amount, currency, status, created_at from payments where booking_id = $1)
select ${time('p.created_at')} as at, 'payment.created' as type, null as cause,
       'payment of ' || p.amount || ' ' || p.currency || ' (minor units), now ' || p.status as summary,
       jsonb_build_object('id', p.id, 'amount', p.amount, 'currency', p.currency, 'status', p.status) as data,
       null::jsonb as inner, 0 as rank
  from paid p
union all
select ${time('a.created_at')}, 'payment.attempt', p.id,
       'attempt ' || a.number || ' with ' || a.payment_method || ', now ' || a.status
         || coalesce(' (' || a.decline_reason || ')', ''),
       jsonb_build_object('number', a.number, 'payment_method', a.payment_method, 'status', a.status,
         'decline_reason', a.decline_reason), null, 1
  from paid p
  join attempts a on a.payment_id = p.id
union all
select ${time('o.created_at')}, 'provider.' || o.kind, o.cause,
       'call to the provider: ' || o.kind || case when o.state in ('DONE', 'SKIPPED') then '' else ', under way' end,
       jsonb_build_object('id', o.id, 'attempt', o.attempt, 'refund_id', o.refund_id),
       jsonb_build_object('idempotency_key', o.idempotency_key, 'key_generation', o.key_generation, 'state', o.state,
         'mode', o.mode, 'tries', o.tries), 2
  from paid p
  join operations o on o.payment_id = p.id
union all
select ${time('o.finished_at')}, 'provider.' || o.kind || '.' || lower(o.state), o.id,
       o.kind || ': ' || o.outcome || case when o.tries > 1 then ', after ' || o.tries || ' tries' else '' end,
       jsonb_build_object('outcome', o.outcome, 'tries', o.tries), null, 4
  from paid p
  join operations o on o.payment_id = p.id
 where o.finished_at is not null
union all
select ${time('r.created_at')}, 'payment.refund', p.id,
       'refund of ' || r.amount || ' ' || r.currency || ' (minor units), now ' || r.status,
       jsonb_build_object('id', r.id, 'amount', r.amount, 'currency', r.currency, 'status', r.status),
       jsonb_build_object('failure_reason', r.failure_reason), 1
  from paid p
  join refunds r on r.payment_id = p.id
union all
select ${time('e.received_at')}, 'callback.received', e.request_id, 'callback ' || e.type || ' stored',
       jsonb_build_object('event_id', e.event_id, 'type', e.type), null, 3
  from paid p
  join provider_events e on e.payment_id = p.id
union all
select ${time('e.applied_at')}, 'callback.' || lower(e.state), e.event_id,
       'callback ' || e.type || ': ' || coalesce(e.result, lower(e.state)),
       jsonb_build_object('event_id', e.event_id, 'result', e.result), null, 5
  from paid p
  join provider_events e on e.payment_id = p.id
 where e.applied_at is not null
 order by at, rank`;
