-- Up Migration

-- Dates on which a resource is closed or open at other hours than on that day of the week:
-- [{"date": "2027-12-25", "closed": true}, {"date": "2027-12-24", "hours": [{"opens": "08:00", "closes": "12:00"}]}]
alter table resources add column exceptions jsonb not null default '[]';

alter table events
  -- Holds are taken from the first instant and until just before the second; null leaves that side open.
  add column sales_open_at timestamptz,
  add column sales_close_at timestamptz,
  -- Labels of seats that the house keeps: never sold, and shown as LOCKED.
  add column house_blocks text[] not null default '{}',
  add constraint events_sales_open_before_close check (sales_close_at > sales_open_at),
  add constraint events_blocks_are_seats check (inventory = 'seats' or house_blocks = '{}');

-- Events of one name in one venue are a series: whoever finds one sold out is offered the others.
create index events_of_series on events (venue_id, name, starts_at) where archived_at is null;

-- The rows that a hall had up to and including a version. Events of the past keep the version whose seats they sold, and their
-- availability is still read.
create table hall_past_rows (
  hall_id text collate "C" not null references halls,
  last_version integer not null,
  rows jsonb not null,
  primary key (hall_id, last_version)
);

-- Who changed what in the catalogue, written in the transaction of the change.
create table audit_log (
  id text collate "C" primary key,
  at timestamptz not null,
  actor text not null,
  role text not null,
  action text not null constraint audit_log_action_is_known check (action in ('create', 'update', 'archive', 'restore')),
  entity_kind text not null,
  entity_id text collate "C" not null,
  -- The object as the API shows it; null before it was created.
  before jsonb,
  after jsonb not null,
  request_id text not null
);
create index audit_log_by_entity on audit_log (entity_id, id);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is only added to' using errcode = 'restrict_violation';
end $$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function refuse_audit_change();

-- Down Migration
drop table audit_log;
drop function refuse_audit_change;
drop table hall_past_rows;
drop index events_of_series;
alter table events drop column house_blocks, drop column sales_close_at, drop column sales_open_at;
alter table resources drop column exceptions;
