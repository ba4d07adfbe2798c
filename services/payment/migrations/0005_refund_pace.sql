-- Up Migration
-- How many refunds may be sent now: one bucket for all processes, filled at the configured rate. A cancelled event asks for thousands
-- of refunds at once, and neither the provider nor the checkouts of others may suffer from that.
create table refund_pace (
  only_row boolean primary key default true,
  tokens double precision not null default 0,
  filled_at timestamptz not null default clock.app_now(),
  -- What the last taker got; it learns that from its own UPDATE.
  granted integer not null default 0,
  constraint refund_pace_has_one_row check (only_row),
  constraint refund_pace_is_never_overdrawn check (tokens >= 0 and granted >= 0)
);
insert into refund_pace default values;

-- Refunds and the other calls are taken separately, so a long queue of one kind is not searched for the other.
create index operations_due_calls on operations (due_at) where state = 'DUE' and kind <> 'refund';
create index operations_due_refunds on operations (due_at) where state = 'DUE' and kind = 'refund';

-- Down Migration
drop index operations_due_refunds;
drop index operations_due_calls;
drop table refund_pace;
