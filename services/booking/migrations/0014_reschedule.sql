-- Up Migration

alter table audit_log
  drop constraint audit_log_action_is_known,
  -- A verb of the code that does it (src/audit/audit-store.ts); a list here would have to change with each new one.
  add constraint audit_log_action_is_known check (action ~ '^[a-z][a-z_]{0,39}$'),
  -- In the words of whoever did it, where the action asks for a reason.
  add column reason text;

alter table bookings
  -- How often the event was moved under the booking: the SEQUENCE of its calendar entry.
  add column moved_count integer not null default 0 constraint bookings_moved_count_is_not_negative check (moved_count >= 0),
  -- What a booking whose event was moved gives back; null where it never was.
  add column moved_refund text constraint bookings_moved_refund_is_known check (moved_refund in ('policy', 'full')),
  -- The latest start that was ever promised: the hours of the refund policy are counted to it. Null where it is starts_at.
  add column refund_starts_at timestamptz;

-- An event that was moved, each time; the bookings follow by a job that any process carries on.
create table event_reschedules (
  event_id text collate "C" not null references events,
  -- 1, 2, 3 … of the event.
  number integer not null constraint event_reschedules_number_is_positive check (number > 0),
  state text not null
    constraint event_reschedules_state_is_known check (state in ('RUNNING', 'DONE', 'SUPERSEDED')),
  reason text not null,
  refund text not null constraint event_reschedules_refund_is_known check (refund in ('policy', 'full')),
  from_starts_at timestamptz not null,
  from_ends_at timestamptz not null,
  to_starts_at timestamptz not null,
  to_ends_at timestamptz not null,
  requested_by text not null,
  request_id text not null,
  traceparent text,
  -- Bookings that stood when the event was moved, and those that have followed or ended since.
  total integer not null,
  done integer not null default 0,
  -- When the next batch may begin: the pace of all processes together.
  next_batch_at timestamptz not null,
  requested_at timestamptz not null,
  finished_at timestamptz,
  primary key (event_id, number),
  constraint event_reschedules_end_after_start check (to_ends_at > to_starts_at),
  constraint event_reschedules_count_up check (done >= 0 and done <= total),
  constraint event_reschedules_running_is_open check ((state = 'RUNNING') = (finished_at is null))
);
create unique index event_reschedules_one_running on event_reschedules (event_id) where state = 'RUNNING';
create index event_reschedules_due on event_reschedules (next_batch_at) where state = 'RUNNING';

-- Bookings that have not followed their event yet. A row goes when its booking has; without a foreign key, which would lock each of
-- a large event's bookings at once.
create table bookings_to_move (
  booking_id text collate "C" primary key,
  event_id text collate "C" not null,
  refund text not null constraint bookings_to_move_refund_is_known check (refund in ('policy', 'full'))
);
create index bookings_to_move_by_event on bookings_to_move (event_id, booking_id);

-- Down Migration
drop table bookings_to_move, event_reschedules;
alter table bookings drop column refund_starts_at, drop column moved_refund, drop column moved_count;
alter table audit_log
  drop column reason,
  drop constraint audit_log_action_is_known,
  add constraint audit_log_action_is_known check (action in ('create', 'update', 'archive', 'restore')) not valid;
