-- Up Migration
-- A chain of hashes over the audit log: each link covers the entry and the link before it, so that an entry which is changed, taken
-- away or moved breaks it. Links are added by a loop and not by whoever writes an entry: that would have to wait for all others.
create table audit_chain (
  seq bigint primary key,
  -- Null in the first link alone, which marks where the chain begins.
  audit_id text collate "C" constraint audit_chain_once_per_entry unique,
  -- SHA-256, hexadecimal.
  hash text not null,
  chained_at timestamptz not null default clock.app_now(),
  constraint audit_chain_begins_once check ((seq = 0) = (audit_id is null)),
  constraint audit_chain_counts_up check (seq >= 0)
);
create function refuse_chain_change() returns trigger language plpgsql as $$
begin
  raise exception 'the chain of the audit log is only added to' using errcode = 'restrict_violation';
end $$;
create trigger audit_chain_append_only before update or delete or truncate on audit_chain
  for each statement execute function refuse_chain_change();
insert into audit_chain (seq, audit_id, hash)
values (0, null, encode(sha256(convert_to('audit of ' || current_schema(), 'UTF8')), 'hex'));

-- Entries that are not in the chain yet. A trigger of the log puts them here, so that none is forgotten, whichever release wrote it.
create table audit_unchained (
  audit_id text collate "C" primary key,
  queued_at timestamptz not null default clock.app_now()
);
create function queue_for_chain() returns trigger language plpgsql set search_path from current as $$
begin
  insert into audit_unchained (audit_id) values (new.id);
  return null;
end $$;

-- Down Migration
drop function queue_for_chain();
drop table audit_unchained, audit_chain;
drop function refuse_chain_change();
