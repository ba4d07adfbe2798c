-- Up Migration
create table users (
  id text collate "C" primary key,
  email text not null,
  name text not null,
  role text not null default 'customer' check (role in ('customer', 'operator', 'admin')),
  -- PHC string of argon2id; never a password.
  password_hash text not null,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint users_email_is_unique unique (email),
  -- Two spellings of one address would be two accounts.
  constraint users_email_is_lower_case check (email = lower(email))
);

-- Keys that sign access tokens. All gateways sign with the one current key and accept the previous ones until they are deleted.
create table signing_keys (
  kid text collate "C" primary key,
  private_jwk jsonb not null,
  public_jwk jsonb not null,
  state text not null check (state in ('CURRENT', 'PREVIOUS')),
  created_at timestamptz not null default clock.app_now()
);
-- Two gateways that start at the same moment must agree on one key.
create unique index signing_keys_one_current on signing_keys (state) where state = 'CURRENT';

-- One sign-in: the family of all refresh tokens that descend from it.
create table sessions (
  id text collate "C" primary key,
  user_id text collate "C" not null references users (id),
  created_at timestamptz not null default clock.app_now(),
  -- However often it is refreshed, a session ends here.
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text check (revoked_reason in ('logout', 'logout_all', 'refresh_reused', 'password_changed')),
  -- Wall clock of the gateway, because the tokens carry that: by then each access token of a revoked session has expired.
  access_dead_at timestamptz,
  constraint sessions_revocation_is_whole check (
    (revoked_at is null) = (revoked_reason is null) and (revoked_at is null) = (access_dead_at is null)
  )
);
create index sessions_of_user on sessions (user_id) where revoked_at is null;
-- Every gateway reads this set every two seconds.
create index sessions_revoked_lately on sessions (access_dead_at) where revoked_at is not null;

create table refresh_tokens (
  -- SHA-256: who reads this table cannot refresh anything.
  hash bytea primary key,
  session_id text collate "C" not null references sessions (id),
  -- A token has one successor; a second child would be two living branches of one family.
  parent_hash bytea,
  created_at timestamptz not null default clock.app_now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint refresh_tokens_one_successor unique (parent_hash)
);
create index refresh_tokens_of_session on refresh_tokens (session_id);

-- Down Migration
drop table refresh_tokens, sessions, signing_keys, users;
