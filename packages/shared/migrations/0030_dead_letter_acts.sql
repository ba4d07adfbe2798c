-- Up Migration
-- What operators did to dead letters, each written with its effect.
create table dead_letter_acts (
  id text collate "C" primary key,
  dead_letter_id text collate "C" not null references dead_letters,
  act text not null,
  actor text not null,
  reason text,
  -- The request that asked for it.
  cause text not null,
  at timestamptz not null default clock.app_now(),
  constraint dead_letter_acts_act check (act in ('replay', 'discard', 'restore')),
  constraint dead_letter_acts_discard_has_reason check (act <> 'discard' or reason is not null)
);
create index dead_letter_acts_of_letter on dead_letter_acts (dead_letter_id);

-- Down Migration
drop table dead_letter_acts;
