-- Up Migration
create trigger audit_log_chained after insert on audit_log for each row execute function queue_for_chain();
-- What was there before is taken into the chain as it was found.
insert into audit_unchained (audit_id) select id from audit_log;
create index audit_log_by_actor on audit_log (actor, id);

-- Down Migration
drop index audit_log_by_actor;
drop trigger audit_log_chained on audit_log;
