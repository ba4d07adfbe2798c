-- Up Migration
-- A finding that a person has dealt with: who, when and why. It opens again when a later sweep finds something else there.
alter table reconciliation_findings add column id bigint generated always as identity;
alter table reconciliation_findings add constraint reconciliation_findings_have_ids unique (id);
alter table reconciliation_findings add column resolved_by text collate "C";
alter table reconciliation_findings add column resolved_at timestamptz;
alter table reconciliation_findings add column resolution text;
alter table reconciliation_findings drop constraint reconciliation_findings_state;
alter table reconciliation_findings add constraint reconciliation_findings_state
  check (state in ('OPEN', 'REPAIRED', 'GONE', 'RESOLVED'));
alter table reconciliation_findings add constraint reconciliation_findings_resolved_by_somebody
  check ((state = 'RESOLVED') <= (resolved_by is not null and resolved_at is not null and resolution is not null));

-- A sweep that an operator asked for waits here until a process takes it, and is taken again when that process dies.
alter table reconciliation_sweeps add column requested_by text collate "C";
alter table reconciliation_sweeps add column locked_until timestamptz;
alter table reconciliation_sweeps add column finished_at timestamptz;
alter table reconciliation_sweeps add column repaired integer;
update reconciliation_sweeps set finished_at = started_at where compared is not null;
create index reconciliation_sweeps_asked_for on reconciliation_sweeps (id)
  where requested_by is not null and finished_at is null;

-- What operators did by hand, written in the transaction of the change.
create table audit_log (
  id text collate "C" primary key,
  at timestamptz not null default clock.app_now(),
  actor text not null,
  role text not null,
  action text not null constraint audit_log_action_is_known check (action in ('refund', 'resolve', 'reconcile')),
  entity_kind text not null,
  entity_id text collate "C" not null,
  -- The object as the API shows it; null before it was created.
  before jsonb,
  after jsonb not null,
  request_id text not null,
  reason text
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
drop function refuse_audit_change();
drop index reconciliation_sweeps_asked_for;
alter table reconciliation_sweeps drop column repaired;
alter table reconciliation_sweeps drop column finished_at;
alter table reconciliation_sweeps drop column locked_until;
alter table reconciliation_sweeps drop column requested_by;
update reconciliation_findings set state = 'GONE' where state = 'RESOLVED';
alter table reconciliation_findings drop constraint reconciliation_findings_resolved_by_somebody;
alter table reconciliation_findings drop constraint reconciliation_findings_state;
alter table reconciliation_findings add constraint reconciliation_findings_state check (state in ('OPEN', 'REPAIRED', 'GONE'));
alter table reconciliation_findings drop column resolution;
alter table reconciliation_findings drop column resolved_at;
alter table reconciliation_findings drop column resolved_by;
alter table reconciliation_findings drop constraint reconciliation_findings_have_ids;
alter table reconciliation_findings drop column id;
