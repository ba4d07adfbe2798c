-- Up Migration

-- One message to one recipient over one channel. The row is written in the transaction that takes the event in; sending happens
-- later, outside of any transaction.
create table deliveries (
  id text collate "C" primary key,
  -- The event that this message tells of.
  event_id text collate "C" not null,
  booking_id text collate "C" not null,
  user_id text collate "C" not null,
  channel text not null check (channel in ('email')),
  recipient text not null,
  kind text not null check (kind in ('confirmed', 'cancelled', 'failed')),
  -- The event's data: everything the message says, as it was when it became true.
  notice jsonb not null,
  traceparent text,
  -- DUE: may be sent now. SENDING: a process holds the lease. WAITING: tried in vain, the next attempt is scheduled.
  state text not null default 'DUE' check (state in ('DUE', 'SENDING', 'WAITING', 'SENT', 'DEAD')),
  -- Counted when the lease is taken, so that an attempt which ends its process is counted too.
  attempts integer not null default 0 check (attempts >= 0),
  -- Sequence of the last message to NOTIFICATION_RETRY: only that one may make the delivery due again.
  retry_seq integer not null default 0 check (retry_seq >= 0),
  due_at timestamptz not null default clock.app_now(),
  lease_id text collate "C",
  lease_expires_at timestamptz,
  provider_message_id text,
  last_error text,
  sent_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  -- An event is told once to each recipient of each channel, whatever becomes of the inbox rows.
  constraint deliveries_once_per_recipient unique (event_id, channel, recipient),
  constraint deliveries_lease_only_while_sending check ((state = 'SENDING') = (lease_id is not null) and (state = 'SENDING') = (lease_expires_at is not null)),
  constraint deliveries_sent_has_its_time check ((state = 'SENT') = (sent_at is not null))
);
create index deliveries_open on deliveries (due_at) where state in ('DUE', 'SENDING', 'WAITING');
create index deliveries_of_booking on deliveries (booking_id, created_at);

-- Down Migration
drop table deliveries;
