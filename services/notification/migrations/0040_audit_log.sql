-- Up Migration
-- What people did by hand, written in the transaction of the change.
create table audit_log (
  id text collate "C" primary key,
  at timestamptz not null default clock.app_now(),
  actor text not null,
  role text not null,
  action text not null constraint audit_log_action_is_known check (action ~ '^[a-z][a-z_]{0,39}$'),
  entity_kind text not null,
  entity_id text collate "C" not null,
  -- The object as the API shows it; null before it was created.
  before jsonb,
  after jsonb not null,
  request_id text not null,
  reason text
);
create index audit_log_by_entity on audit_log (entity_id, id);
create index audit_log_by_actor on audit_log (actor, id);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is only added to' using errcode = 'restrict_violation';
end $$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function refuse_audit_change();
create trigger audit_log_chained after insert on audit_log for each row execute function queue_for_chain();

-- Down Migration
drop table audit_log;
drop function refuse_audit_change();
