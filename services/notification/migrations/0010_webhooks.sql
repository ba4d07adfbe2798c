-- Up Migration

-- Deliveries go over three channels now. The recipient of a webhook is the id of its endpoint. DROPPED: nobody is left to be told,
-- because the endpoint was deleted.
alter table deliveries
  drop constraint deliveries_channel_check,
  add constraint deliveries_channel_known check (channel in ('email', 'sms', 'webhook')),
  drop constraint deliveries_state_check,
  add constraint deliveries_state_known check (state in ('DUE', 'SENDING', 'WAITING', 'SENT', 'DEAD', 'DROPPED')),
  drop constraint deliveries_kind_check,
  add constraint deliveries_kind_check check (kind ~ '^[a-z][a-z_.]{0,59}$');

-- Each channel takes what is due by itself, so that one with a backlog is not in the way of another.
create index deliveries_open_by_channel on deliveries (channel, due_at, id) where state in ('DUE', 'SENDING', 'WAITING');
-- ... and of webhooks each endpoint.
create index deliveries_open_by_endpoint on deliveries (recipient, due_at, id)
  where channel = 'webhook' and state in ('DUE', 'SENDING', 'WAITING');
drop index deliveries_open;

-- A provider said when it takes more (429 or 503 with Retry-After): nothing is sent there before. An empty recipient is the channel.
create table send_pauses (
  channel text not null constraint send_pauses_channel_known check (channel in ('email', 'sms', 'webhook')),
  recipient text collate "C" not null default '',
  paused_until timestamptz not null,
  constraint send_pauses_one_each primary key (channel, recipient)
);

create table webhook_endpoints (
  id text collate "C" primary key,
  url text not null constraint webhook_endpoints_url_length check (char_length(url) between 1 and 2048),
  -- Names of the catalogue in packages/shared/src/contracts/webhooks.ts, or `*` for all of them.
  event_types text[] not null constraint webhook_endpoints_listen_to_something check (cardinality(event_types) between 1 and 50),
  description text,
  status text not null default 'ENABLED' constraint webhook_endpoints_status_known check (status in ('ENABLED', 'DISABLED')),
  -- gone: it answered 410. by_admin: somebody switched it off.
  disabled_reason text constraint webhook_endpoints_reason_known check (disabled_reason in ('gone', 'by_admin')),
  disabled_at timestamptz,
  -- Kept for its attempts; the API no longer shows it.
  deleted_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint webhook_endpoints_disabled_says_why check (
    (status = 'DISABLED') = (disabled_reason is not null) and (status = 'DISABLED') = (disabled_at is not null))
);

-- An HMAC needs the secret itself, so it is kept, sealed under a key of HOLDFAST_INTERNAL_SECRET.
create table webhook_secrets (
  id bigint generated always as identity primary key,
  endpoint_id text collate "C" not null references webhook_endpoints (id),
  sealed_secret text not null,
  created_at timestamptz not null default clock.app_now(),
  -- Null for the current one; a replaced one signs beside it until then.
  expires_at timestamptz
);
create unique index webhook_secrets_one_current on webhook_secrets (endpoint_id) where expires_at is null;
create index webhook_secrets_of_endpoint on webhook_secrets (endpoint_id, id);

-- What came of each call to an endpoint, written with the outcome of the delivery.
create table webhook_attempts (
  id text collate "C" primary key,
  endpoint_id text collate "C" not null references webhook_endpoints (id),
  delivery_id text collate "C" not null references deliveries (id),
  event_id text collate "C" not null,
  event_type text not null,
  attempt integer not null constraint webhook_attempts_count_from_one check (attempt >= 1),
  url text not null,
  status text not null constraint webhook_attempts_status_known check (status in ('SUCCEEDED', 'FAILED')),
  response_status smallint,
  -- The first thousand characters.
  response_body text,
  error text,
  duration_ms integer not null,
  created_at timestamptz not null default clock.app_now(),
  constraint webhook_attempts_failed_says_why check ((status = 'FAILED') = (error is not null))
);
create index webhook_attempts_of_endpoint on webhook_attempts (endpoint_id, id);
create index webhook_attempts_of_delivery on webhook_attempts (delivery_id);
create index webhook_attempts_by_age on webhook_attempts (created_at);

-- Down Migration
drop table webhook_attempts;
drop table webhook_secrets;
drop table webhook_endpoints;
drop table send_pauses;
delete from deliveries where channel <> 'email' or state = 'DROPPED';
create index deliveries_open on deliveries (due_at) where state in ('DUE', 'SENDING', 'WAITING');
drop index deliveries_open_by_endpoint;
drop index deliveries_open_by_channel;
alter table deliveries
  drop constraint deliveries_channel_known,
  add constraint deliveries_channel_check check (channel in ('email')),
  drop constraint deliveries_state_known,
  add constraint deliveries_state_check check (state in ('DUE', 'SENDING', 'WAITING', 'SENT', 'DEAD')),
  drop constraint deliveries_kind_check,
  add constraint deliveries_kind_check check (kind ~ '^[a-z][a-z_]{0,39}$');
