-- Up Migration
-- Messages that a transaction of this service decided to send. A row is written with the change that it tells of and published
-- afterwards by whichever replica holds relay_lease.
create table outbox (
  id text collate "C" primary key,
  -- Subject in JetStream without the deployment's prefix, e.g. booking.checkout.07.authorisation_requested
  subject text not null,
  -- What keeps its order: the booking, as a rule.
  ordering_key text collate "C" not null,
  family text not null,
  -- 1, 2, 3 … for each ordering key and family, without holes: a consumer of the family can tell a missing message.
  seq integer not null check (seq > 0),
  payload text not null,
  traceparent text,
  created_at timestamptz not null default clock.app_now(),
  -- A message for later waits here, not in the broker.
  available_at timestamptz not null default clock.app_now(),
  published_at timestamptz,
  stream_seq bigint,
  constraint outbox_sequence_is_unique unique (ordering_key, family, seq)
);
-- The relay reads the set of what is unpublished, never "id above the last one": transactions commit out of order.
create index outbox_unpublished on outbox (available_at) where published_at is null;

-- Who publishes. The epoch rises at each change of holder and fences the former one's bookkeeping.
create table relay_lease (
  only_row boolean primary key default true check (only_row),
  holder text,
  epoch bigint not null default 0,
  expires_at timestamptz not null default '-infinity'
);
insert into relay_lease default values;

-- A message took effect at a consumer: written in the transaction of the effect.
create table inbox (
  consumer text not null,
  event_id text collate "C" not null,
  received_at timestamptz not null default clock.app_now(),
  primary key (consumer, event_id)
);

-- How far each ordering key has come at each consumer.
create table inbox_positions (
  consumer text not null,
  ordering_key text collate "C" not null,
  family text not null,
  last_seq integer not null,
  primary key (consumer, ordering_key, family)
);

-- Messages that arrived before one that they must follow.
create table inbox_parked (
  consumer text not null,
  ordering_key text collate "C" not null,
  family text not null,
  seq integer not null,
  event_id text collate "C" not null,
  subject text not null,
  payload text not null,
  parked_at timestamptz not null default clock.app_now(),
  primary key (consumer, ordering_key, family, seq)
);

-- Deliveries after the first, and the last error. Counted in a commit of its own, so that a message which kills its process is counted too.
create table inbox_attempts (
  consumer text not null,
  event_id text collate "C" not null,
  attempts integer not null default 1,
  last_error text,
  updated_at timestamptz not null default clock.app_now(),
  primary key (consumer, event_id)
);

-- Messages that a consumer gave up on, for a person to look at. The same transaction puts a copy on the way to DEAD_LETTER.
create table dead_letters (
  id text collate "C" primary key,
  consumer text not null,
  event_id text collate "C" not null,
  subject text not null,
  ordering_key text collate "C",
  family text,
  seq integer,
  payload text not null,
  attempts integer not null,
  cause text not null,
  error text not null,
  state text not null default 'OPEN' check (state in ('OPEN', 'REPLAYED', 'DISCARDED')),
  created_at timestamptz not null default clock.app_now(),
  constraint dead_letters_once_per_consumer unique (consumer, event_id)
);

-- Down Migration
drop table dead_letters, inbox_attempts, inbox_parked, inbox_positions, inbox, relay_lease, outbox;
