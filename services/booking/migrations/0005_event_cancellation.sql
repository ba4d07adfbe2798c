-- Up Migration

-- From here on nobody holds places of the event.
alter table events add column cancelled_at timestamptz;

-- What a cancellation that waits for a capture gives back: by the policy of purchase, or everything because the event is off.
alter table bookings
  add column cancel_refund text constraint bookings_cancel_refund_is_known check (cancel_refund in ('policy', 'full'));

-- The cancellation of a whole event: a job that any process carries on.
create table event_cancellations (
  event_id text collate "C" primary key references events,
  state text not null constraint event_cancellations_state_is_known check (state in ('RUNNING', 'DONE')),
  reason text not null,
  requested_by text not null,
  request_id text not null,
  traceparent text,
  -- Bookings that were live when the event was closed, those that are not any more, and those that were given up on.
  total integer not null,
  done integer not null default 0,
  failed integer not null default 0,
  -- When the next batch may begin: the pace of all processes together.
  next_batch_at timestamptz not null,
  requested_at timestamptz not null,
  finished_at timestamptz,
  constraint event_cancellations_count_up check (done >= 0 and failed >= 0 and done + failed <= total),
  constraint event_cancellations_done_is_finished check ((state = 'DONE') = (finished_at is not null))
);
create index event_cancellations_running on event_cancellations (next_batch_at) where state = 'RUNNING';

create table event_cancellation_bookings (
  event_id text collate "C" not null references event_cancellations,
  booking_id text collate "C" not null references bookings,
  state text not null default 'PENDING'
    constraint event_cancellation_bookings_state_is_known check (state in ('PENDING', 'DONE', 'FAILED')),
  tries integer not null default 0,
  error text,
  -- When to look at it; later for one that is being captured or that failed.
  next_try_at timestamptz not null,
  primary key (event_id, booking_id)
);
create index event_cancellation_bookings_due on event_cancellation_bookings (event_id, next_try_at) where state = 'PENDING';

-- Down Migration
drop table event_cancellation_bookings, event_cancellations;
alter table bookings drop column cancel_refund;
alter table events drop column cancelled_at;
