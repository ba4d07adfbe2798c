-- Up Migration
-- Each comparison of the provider's books with ours that the service began by itself; the last complete one says where the next begins.
create table reconciliation_sweeps (
  id bigint generated always as identity primary key,
  window_from timestamptz not null,
  window_to timestamptz not null,
  started_at timestamptz not null default clock.app_now(),
  -- False while it runs, when its process died, and when the provider stopped answering.
  complete boolean not null default false,
  compared integer,
  found integer,
  constraint reconciliation_sweeps_window check (window_from < window_to)
);
create index reconciliation_sweeps_by_start on reconciliation_sweeps (started_at);

-- Down Migration
drop table reconciliation_sweeps;
