-- Up Migration
-- Many dead letters that an operator has replayed, at a bounded rate. Which ones is settled when it begins.
create table dead_letter_replays (
  id text collate "C" primary key,
  filter jsonb not null,
  rate_per_second integer not null constraint dead_letter_replays_rate check (rate_per_second between 1 and 100),
  state text not null default 'RUNNING' constraint dead_letter_replays_state check (state in ('RUNNING', 'DONE', 'STOPPED')),
  actor text not null,
  role text not null,
  request_id text not null,
  created_at timestamptz not null default clock.app_now(),
  -- A turn is a second's worth of letters; moved on with the turn, so that the rate holds for all processes together.
  next_at timestamptz not null default clock.app_now(),
  finished_at timestamptz,
  constraint dead_letter_replays_ended_has_a_time check ((state = 'RUNNING') = (finished_at is null))
);
create index dead_letter_replays_running on dead_letter_replays (next_at) where state = 'RUNNING';

create table dead_letter_replay_items (
  replay_id text collate "C" not null references dead_letter_replays,
  dead_letter_id text collate "C" not null references dead_letters,
  -- Null until its turn has come. skipped: somebody decided about it before.
  outcome text constraint dead_letter_replay_items_outcome check (outcome in ('replayed', 'skipped')),
  primary key (replay_id, dead_letter_id)
);
create index dead_letter_replay_items_waiting on dead_letter_replay_items (replay_id, dead_letter_id) where outcome is null;

-- The newest errors of a message, one for each attempt that failed: [{attempt, at, error}].
alter table inbox_attempts add column errors jsonb not null default '[]';
alter table dead_letters
  add column errors jsonb not null default '[]',
  -- As the broker delivered them; empty where the message had waited in inbox_parked.
  add column headers jsonb not null default '{}';

-- Down Migration
alter table dead_letters drop column headers, drop column errors;
alter table inbox_attempts drop column errors;
drop table dead_letter_replay_items, dead_letter_replays;
