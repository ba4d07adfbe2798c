-- Up Migration
alter table users
  add column email_verified_at timestamptz,
  -- Wall clock of the gateway, because the tokens carry that: by then no access token with the role of before is alive. Every
  -- gateway reads this set every second.
  add column role_differs_until timestamptz,
  -- Sequence of the events of family account.
  add column account_seq integer not null default 0 check (account_seq >= 0);
create index users_role_changed_lately on users (role_differs_until) where role_differs_until is not null;
-- The last administrator is found by this.
create index users_admins on users (id) where role = 'admin';

alter table sessions
  -- What the client called itself at its last use.
  add column user_agent text constraint sessions_user_agent_is_short check (length(user_agent) <= 256),
  add column address text,
  add column last_used_at timestamptz not null default clock.app_now(),
  drop constraint sessions_revoked_reason_check,
  add constraint sessions_revoked_reason_is_known
    check (revoked_reason in ('logout', 'logout_all', 'refresh_reused', 'password_changed', 'ended_by_user'));

-- SHA-256 of the client that used the token: only that one may have lost the answer.
alter table refresh_tokens add column used_by bytea;

-- A key verifies everywhere before it signs anywhere: NEXT is in every gateway's ring, CURRENT signs, PREVIOUS verifies what is out.
alter table signing_keys
  add column state_since timestamptz not null default clock.app_now(),
  drop constraint signing_keys_state_check,
  add constraint signing_keys_state_is_known check (state in ('NEXT', 'CURRENT', 'PREVIOUS'));
create unique index signing_keys_one_next on signing_keys (state) where state = 'NEXT';

-- Tokens that were sent by mail. Each works once.
create table one_time_tokens (
  -- SHA-256: who reads this table can verify and reset nothing.
  hash bytea primary key,
  user_id text collate "C" not null references users (id),
  purpose text not null constraint one_time_tokens_purpose_is_known check (purpose in ('verify_email', 'reset_password')),
  -- The address that it proves.
  email text not null,
  created_at timestamptz not null default clock.app_now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_time_tokens_expire_later check (expires_at > created_at)
);
create index one_time_tokens_of_user on one_time_tokens (user_id, purpose, created_at);

-- Who asked for a new password. Known and unknown addresses are written down alike, so that both take the same time; who has an
-- account is found out afterwards, and the row is gone then.
create table password_reset_requests (
  email text primary key,
  request_id text not null,
  requested_at timestamptz not null default clock.app_now()
);

-- Who changed what about accounts, written in the transaction of the change.
create table audit_log (
  id text collate "C" primary key,
  at timestamptz not null,
  actor text not null,
  role text not null,
  action text not null constraint audit_log_action_is_known check (action in ('change_role', 'rotate_signing_key')),
  entity_kind text not null,
  entity_id text collate "C" not null,
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
drop table password_reset_requests, one_time_tokens;
delete from signing_keys where state = 'NEXT';
drop index signing_keys_one_next;
alter table signing_keys
  drop constraint signing_keys_state_is_known,
  drop column state_since,
  add constraint signing_keys_state_check check (state in ('CURRENT', 'PREVIOUS'));
alter table refresh_tokens drop column used_by;
update sessions set revoked_reason = 'logout' where revoked_reason = 'ended_by_user';
alter table sessions
  drop constraint sessions_revoked_reason_is_known,
  add constraint sessions_revoked_reason_check
    check (revoked_reason in ('logout', 'logout_all', 'refresh_reused', 'password_changed')),
  drop column last_used_at,
  drop column address,
  drop column user_agent;
drop index users_admins;
drop index users_role_changed_lately;
alter table users drop column account_seq, drop column role_differs_until, drop column email_verified_at;
