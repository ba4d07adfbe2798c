-- Up Migration

-- Which state may follow which (product.md). The same table stands in src/bookings/booking.ts; a test compares the two.
create table booking_transitions (
  from_status text not null,
  to_status text not null,
  primary key (from_status, to_status)
);
insert into booking_transitions (from_status, to_status) values
  ('PENDING', 'HELD'), ('PENDING', 'CANCELLED'), ('PENDING', 'EXPIRED'), ('PENDING', 'FAILED'),
  ('HELD', 'PAYMENT_INITIATED'), ('HELD', 'PAID'), ('HELD', 'CANCELLED'), ('HELD', 'EXPIRED'),
  ('PAYMENT_INITIATED', 'PAID'), ('PAYMENT_INITIATED', 'HELD'), ('PAYMENT_INITIATED', 'CANCELLED'),
  ('PAYMENT_INITIATED', 'EXPIRED'), ('PAYMENT_INITIATED', 'FAILED'),
  ('PAID', 'CONFIRMED'), ('PAID', 'CANCELLED'), ('PAID', 'FAILED'),
  ('CONFIRMED', 'CHECKED_IN'), ('CONFIRMED', 'CANCELLED'), ('CONFIRMED', 'COMPLETED'),
  ('CHECKED_IN', 'COMPLETED'), ('CHECKED_IN', 'CANCELLED'),
  ('EXPIRED', 'PAYMENT_INITIATED'), ('EXPIRED', 'REFUNDED'),
  ('CANCELLED', 'REFUNDED'), ('FAILED', 'REFUNDED');

-- A block of references a time: each value stands for 1,000 of them, see src/holds/booking-reference.ts.
create sequence booking_reference_blocks;

-- Whoever holds something. Its row is the lock under which a user's live holds are counted.
create table holders (
  user_id text collate "C" primary key
);

create table bookings (
  id text collate "C" primary key,
  reference text collate "C" not null,
  user_id text collate "C" not null,
  status text not null,
  inventory text not null check (inventory in ('slots', 'seats', 'pool')),
  event_id text collate "C" references events,
  resource_id text collate "C" references resources,
  seats text[] not null default '{}',
  quantity integer not null check (quantity > 0),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  time_zone text not null,
  -- Snapshots of what was bought, so that messages and refunds do not change with the catalogue.
  title text not null,
  venue text not null,
  refund_policy jsonb not null,
  price_amount bigint not null check (price_amount >= 0),
  price_currency text not null,
  price_lines jsonb not null,
  contact_email text not null,
  contact_name text not null,
  hold_expires_at timestamptz,
  -- When the customer asked for more time; once a booking.
  extended_at timestamptz,
  -- Set just before capture: from then on the hold cannot expire and the claims cannot be released.
  pinned_at timestamptz,
  cancel_requested_at timestamptz,
  cancel_reason text,
  payment_id text collate "C",
  payment_status text,
  payment_attempt integer not null default 0,
  payment_decline_reason text,
  payment_redirect_url text,
  refund_id text collate "C",
  refund_status text,
  refund_amount bigint,
  -- Last sequence given out per event family; counted under this row's lock.
  hold_seq integer not null default 0,
  booking_seq integer not null default 0,
  checkout_seq integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint bookings_reference_is_unique unique (reference),
  constraint bookings_name_one_inventory check (
    case inventory when 'slots' then resource_id is not null and event_id is null
                   else event_id is not null and resource_id is null end
  ),
  constraint bookings_live_holds_expire check (status not in ('HELD', 'PAYMENT_INITIATED') or hold_expires_at is not null)
);
create index bookings_by_user on bookings (user_id, created_at desc, id desc);
create index bookings_upcoming on bookings (user_id, starts_at, id) where status in ('CONFIRMED', 'CHECKED_IN');
create index bookings_live_by_user on bookings (user_id) where status in ('HELD', 'PAYMENT_INITIATED');
create index bookings_due on bookings (hold_expires_at) where status in ('HELD', 'PAYMENT_INITIATED') and pinned_at is null;
create index bookings_by_event on bookings (event_id) where event_id is not null;
create index bookings_by_resource on bookings (resource_id) where resource_id is not null;

-- Refuses a transition that product.md does not know, whoever asks for it.
create function check_booking_transition() returns trigger language plpgsql as $$
begin
  if not exists (select from booking_transitions where from_status = old.status and to_status = new.status) then
    raise exception 'booking % cannot go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'bookings_transition_is_legal';
  end if;
  if old.pinned_at is not null and old.status = 'PAYMENT_INITIATED' and new.status in ('CANCELLED', 'EXPIRED') then
    raise exception 'booking % is pinned and cannot become %', old.id, new.status
      using errcode = 'check_violation', constraint = 'bookings_pinned_stays';
  end if;
  if old.status = 'HELD' and new.status = 'PAID' and new.price_amount <> 0 then
    raise exception 'booking % costs money and cannot become PAID without a payment', old.id
      using errcode = 'check_violation', constraint = 'bookings_only_free_ones_skip_payment';
  end if;
  return new;
end $$;
create trigger bookings_transition before update of status on bookings
  for each row when (old.status is distinct from new.status) execute function check_booking_transition();

create table booking_history (
  booking_id text collate "C" not null references bookings,
  -- The booking's version after the transition.
  version integer not null,
  from_status text,
  to_status text not null,
  reason text not null,
  actor text not null,
  cause text not null,
  at timestamptz not null,
  primary key (booking_id, version)
);

-- G1 for seats: one live claim a seat. A released claim stays as a record and leaves the index.
create table seat_claims (
  event_id text collate "C" not null references events,
  seat text collate "C" not null,
  booking_id text collate "C" not null references bookings,
  state text not null default 'LOCKED' check (state in ('LOCKED', 'BOOKED')),
  claimed_at timestamptz not null,
  released_at timestamptz
);
create unique index seat_claims_one_live on seat_claims (event_id, seat) where released_at is null;
create index seat_claims_by_booking on seat_claims (booking_id) where released_at is null;

-- G1 for slots: no overlap of live claims on one resource; half-open ranges, so that neighbours touch without a clash.
create table slot_claims (
  resource_id text collate "C" not null references resources,
  during tstzrange not null,
  booking_id text collate "C" not null references bookings,
  state text not null default 'LOCKED' check (state in ('LOCKED', 'BOOKED')),
  claimed_at timestamptz not null,
  released_at timestamptz,
  constraint slot_claims_half_open check (lower_inc(during) and not upper_inc(during) and not isempty(during)),
  constraint slot_claims_never_overlap exclude using gist (resource_id with =, during with &&) where (released_at is null)
);
create index slot_claims_by_booking on slot_claims (booking_id) where released_at is null;

-- G1 for pools: events.claimed with its CHECK decides; these rows say who holds how many.
create table pool_claims (
  event_id text collate "C" not null references events,
  quantity integer not null check (quantity > 0),
  booking_id text collate "C" not null references bookings,
  state text not null default 'LOCKED' check (state in ('LOCKED', 'BOOKED')),
  claimed_at timestamptz not null,
  released_at timestamptz
);
create unique index pool_claims_one_live_per_booking on pool_claims (booking_id) where released_at is null;
create index pool_claims_by_event on pool_claims (event_id) where released_at is null;

-- Numbered pools: unique (event, place number) over live claims.
create table pool_places (
  event_id text collate "C" not null references events,
  place_number integer not null check (place_number > 0),
  booking_id text collate "C" not null references bookings,
  released_at timestamptz
);
create unique index pool_places_one_live on pool_places (event_id, place_number) where released_at is null;
create index pool_places_by_booking on pool_places (booking_id) where released_at is null;

-- Numbers that were given and came back; the lowest is given out again before a new one.
create table pool_free_places (
  event_id text collate "C" not null references events,
  place_number integer not null,
  primary key (event_id, place_number)
);
alter table events add column places_given integer not null default 0
  constraint events_places_given_within_capacity check (places_given >= 0 and places_given <= capacity);

-- The checkout saga of a booking, one row; src/checkout-saga/checkout-saga.ts says what each state means.
create table checkout_sagas (
  booking_id text collate "C" primary key references bookings,
  state text not null check (state in ('AUTHORISING', 'DECLINED', 'CAPTURING', 'CONFIRMED', 'FAILED', 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED', 'CLOSED', 'STUCK')),
  payment_id text collate "C" not null,
  attempt integer not null,
  payment_method text not null,
  -- What must be done to take back the step under way; written before the step is asked for.
  undo text check (undo in ('void', 'refund')),
  refund_id text collate "C",
  refund_amount bigint,
  -- When to ask again if no answer came, how often that happened, and why it is STUCK.
  next_action_at timestamptz,
  tries integer not null default 0,
  stuck_reason text,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now()
);
create index checkout_sagas_due on checkout_sagas (next_action_at) where next_action_at is not null;

-- What became of each payment attempt, as the saga learned it: a later call with the attempt's Idempotency-Key is answered from here.
create table checkout_attempts (
  booking_id text collate "C" not null references bookings,
  attempt integer not null,
  outcome text check (outcome in ('CONFIRMED', 'DECLINED', 'FAILED', 'ABANDONED')),
  decline_reason text,
  primary key (booking_id, attempt)
);

-- Takes the locks of one batch in the order that everybody keeps: events, resources, holders, each by id. Returns business time.
create function lock_inventory(event_ids text[], resource_ids text[], user_ids text[]) returns timestamptz language plpgsql as $$
begin
  if cardinality(event_ids) > 0 then
    perform from events where id = any (event_ids) order by id for no key update;
  end if;
  if cardinality(resource_ids) > 0 then
    perform from resources where id = any (resource_ids) order by id for no key update;
  end if;
  if cardinality(user_ids) > 0 then
    insert into holders (user_id) select u from unnest(user_ids) as u order by u on conflict do nothing;
    perform from holders where user_id = any (user_ids) order by user_id for no key update;
  end if;
  return clock.app_now();
end $$;

-- Down Migration
drop function lock_inventory;
drop table checkout_attempts, checkout_sagas, pool_free_places, pool_places, pool_claims, slot_claims, seat_claims, booking_history;
drop table bookings;
drop function check_booking_transition;
drop table holders;
drop sequence booking_reference_blocks;
drop table booking_transitions;
alter table events drop column places_given;
