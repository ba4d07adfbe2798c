-- Up Migration

-- A recurring booking as it was accepted; it never changes. What became of each occurrence is its booking's to say.
create table series (
  id text collate "C" primary key,
  user_id text collate "C" not null,
  resource_id text collate "C" not null constraint series_resource references resources,
  title text not null,
  -- RFC 5545, with COUNT or UNTIL; worked out on the wall clock of `time_zone` from `starts_at` on.
  rrule text not null,
  starts_at timestamp not null,
  duration_minutes integer not null constraint series_duration_is_positive check (duration_minutes > 0),
  time_zone text not null,
  currency text not null,
  skip_conflicts boolean not null,
  -- Occurrences without a booking and why: [{"occurrence": "2027-01-04T18:00", "starts_at": …, "ends_at": …, "left_out": "closed"}]
  left_out jsonb not null,
  created_at timestamptz not null
);
create index series_by_user on series (user_id, created_at desc, id desc);
create index series_listed on series (created_at desc, id desc);

alter table bookings
  add column series_id text collate "C" constraint bookings_series references series,
  -- Wall-clock time by the rule; where the clock skips it, starts_at is another.
  add column occurrence timestamp,
  add constraint bookings_occurrences_belong_to_series check ((series_id is null) = (occurrence is null)),
  -- Of two series that want the same time one is accepted, also while both are still to be held. A single booking may take the time
  -- of an occurrence that waits: PENDING holds nothing.
  add constraint bookings_waiting_occurrences_never_overlap
    exclude using gist (resource_id with =, tstzrange(starts_at, ends_at) with &&)
    where (status = 'PENDING' and series_id is not null);
-- However often and by whomever the occurrences of a series are made, there is one booking for each.
create unique index bookings_one_per_occurrence on bookings (series_id, starts_at) where series_id is not null;
-- What the loop that holds occurrences looks for.
create index bookings_waiting_occurrences on bookings (starts_at) where status = 'PENDING' and series_id is not null;
-- How many series of a user are unfinished business.
create index bookings_open_series_by_user on bookings (user_id, series_id)
  where series_id is not null and status in ('PENDING', 'HELD', 'PAYMENT_INITIATED');

-- Down Migration
alter table bookings
  drop constraint bookings_waiting_occurrences_never_overlap,
  drop constraint bookings_occurrences_belong_to_series,
  drop column occurrence,
  drop column series_id;
drop table series;
