-- Up Migration
-- Set while a redelivered message is being handled. Whoever finds it set finds a message whose handling did not end: its process
-- died, perhaps of it.
alter table inbox_attempts
  add column started_at timestamptz,
  add column deaths integer not null default 0;

-- Down Migration
alter table inbox_attempts drop column deaths, drop column started_at;
