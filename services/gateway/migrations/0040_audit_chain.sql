-- Up Migration
alter table audit_log
  drop constraint audit_log_action_is_known,
  -- A verb of the code that does it; a list here would have to change with each new one.
  add constraint audit_log_action_is_known check (action ~ '^[a-z][a-z_]{0,39}$'),
  add column reason text;
create trigger audit_log_chained after insert on audit_log for each row execute function queue_for_chain();
-- What was there before is taken into the chain as it was found.
insert into audit_unchained (audit_id) select id from audit_log;
create index audit_log_by_actor on audit_log (actor, id);

-- Down Migration
drop index audit_log_by_actor;
drop trigger audit_log_chained on audit_log;
alter table audit_log
  drop column reason,
  drop constraint audit_log_action_is_known,
  add constraint audit_log_action_is_known check (action in ('change_role', 'rotate_signing_key')) not valid;
