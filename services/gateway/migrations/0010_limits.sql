-- Up Migration
-- Attempts to sign in, register, refresh or reset, each limited by account and by address. They are counted here and not in Redis:
-- whoever flushes a cache must not get new guesses at a password, and without this database nobody can sign in anyway.
create table auth_attempts (
  policy text collate "C" not null,
  -- SHA-256 of an e-mail address, a network address or a token: who reads this table learns of nobody.
  subject bytea not null,
  attempts integer not null,
  -- A window begins with its first attempt.
  expires_at timestamptz not null,
  constraint auth_attempts_one_window primary key (policy, subject),
  constraint auth_attempts_are_counted check (attempts > 0)
);
create index auth_attempts_expired on auth_attempts (expires_at);

-- Down Migration
drop table auth_attempts;
