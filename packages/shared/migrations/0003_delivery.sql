-- Up Migration
-- An acknowledgement of JetStream is not durability: a row counts as delivered when every consumer of its family has it.
alter table outbox
  add column confirmed_at timestamptz,
  -- How often it was sent again; part of the message id, so that the broker's dedupe cannot swallow it.
  add column replays integer not null default 0,
  -- The epoch of its stream when it was acknowledged.
  add column stream_epoch integer;
-- What to ask the consumers about, the longest published first.
create index outbox_unconfirmed on outbox (family, published_at) where published_at is not null and confirmed_at is null;
-- What may be removed.
create index outbox_confirmed on outbox (confirmed_at) where confirmed_at is not null;
create index inbox_by_age on inbox (received_at);
create index inbox_parked_by_event on inbox_parked (consumer, event_id);
create index inbox_attempts_by_age on inbox_attempts (updated_at);

-- What is known of a stream that this service publishes to. A stream that has another creation time, or ends below the highest
-- sequence that was acknowledged, lost its store or a part of it: that begins a new epoch, and whatever was acknowledged in an
-- older one may be gone.
create table stream_marks (
  stream text primary key,
  -- As the broker says it, to the nanosecond; null until it was first asked.
  created text,
  highest_seq bigint not null,
  epoch integer not null default 1
);

-- Down Migration
drop table stream_marks;
drop index inbox_attempts_by_age, inbox_parked_by_event, inbox_by_age, outbox_confirmed, outbox_unconfirmed;
alter table outbox drop column stream_epoch, drop column replays, drop column confirmed_at;
