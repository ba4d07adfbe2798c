-- Up Migration

alter table bookings
  add column checked_in_at timestamptz,
  -- Whether somebody came; known when the booking is COMPLETED.
  add column attended boolean;
-- What the completion loop looks for.
create index bookings_to_complete on bookings (ends_at) where status in ('CONFIRMED', 'CHECKED_IN');

-- Ed25519 keys that sign tickets. A key that was replaced goes on verifying, so tickets outlive it.
create table ticket_keys (
  kid text collate "C" primary key,
  -- Base64url: the 32 bytes of the public key (`x` of its JWK), and the private key as PKCS #8.
  public_key text not null,
  private_key text not null,
  state text not null default 'CURRENT' constraint ticket_keys_state_is_known check (state in ('CURRENT', 'PREVIOUS')),
  created_at timestamptz not null default clock.app_now()
);
create unique index ticket_keys_one_current on ticket_keys (state) where state = 'CURRENT';

-- One ticket per place of a booking, made when it is confirmed and never changed.
create table tickets (
  id text collate "C" primary key,
  booking_id text collate "C" not null references bookings,
  event_id text collate "C" references events,
  -- 1, 2, 3 … within the booking, in the order of its places.
  position integer not null constraint tickets_position_is_positive check (position > 0),
  place text not null,
  -- Random; what an offline list shows of a ticket is its SHA-256.
  nonce text not null,
  code text not null,
  created_at timestamptz not null,
  constraint tickets_one_per_place unique (booking_id, position)
);
create index tickets_by_event on tickets (event_id) where event_id is not null;

-- Down Migration
drop table tickets, ticket_keys;
drop index bookings_to_complete;
alter table bookings drop column attended, drop column checked_in_at;
