-- Up Migration
-- The last run of each invariant in this schema: what it found, since when it is broken, and whose turn it is to check it.
create table integrity_results (
  invariant text collate "C" primary key,
  status text not null default 'pending',
  violations integer not null default 0,
  examples jsonb not null default '[]',
  -- Why it could not be checked.
  error text,
  violated_since timestamptz,
  -- Null until the first run has ended.
  last_run_at timestamptz,
  duration_ms integer,
  -- One replica checks at a time; a turn whose process died runs out.
  claimed_until timestamptz,
  constraint integrity_results_status check (status in ('pending', 'ok', 'violated', 'failed')),
  constraint integrity_results_violated_has_rows check ((status = 'violated') = (violations > 0)),
  constraint integrity_results_violated_has_a_beginning check (status <> 'violated' or violated_since is not null)
);

-- Down Migration
drop table integrity_results;
