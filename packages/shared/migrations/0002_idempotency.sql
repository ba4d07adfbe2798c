-- Up Migration
-- One row for each Idempotency-Key that had an effect, written in the transaction of the effect: there is no "in progress" row, so
-- there is none to rescue when a process dies half-way (G2).
create table idempotency_keys (
  user_id text collate "C" not null,
  key text collate "C" not null,
  -- SHA-256 of method, route and the parsed body with its defaults.
  fingerprint text not null,
  status smallint not null,
  headers jsonb not null default '{}',
  body text not null,
  -- False for a 202 whose outcome is still open; it is upgraded once, to the final answer.
  final boolean not null default true,
  -- What is needed to find that outcome, e.g. the payment attempt.
  context jsonb,
  created_at timestamptz not null default clock.app_now(),
  primary key (user_id, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Down Migration
drop table idempotency_keys;
