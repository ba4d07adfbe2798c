-- Up Migration

create table venues (
  id text collate "C" primary key,
  name text not null,
  -- IANA name; opening hours and calendars of everything in the venue are read in it.
  time_zone text not null,
  -- Everything in a venue is sold in its currency, so that a booking never mixes two.
  currency text not null constraint venues_currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
  refund_policy jsonb not null
    default '[{"hours_before": 24, "percent": 100}, {"hours_before": 6, "percent": 50}]',
  version integer not null default 1,
  archived_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now()
);
-- The public list, in its order.
create index venues_listed on venues (created_at, id) where archived_at is null;

create table resources (
  id text collate "C" primary key,
  venue_id text collate "C" not null constraint resources_venue references venues,
  name text not null,
  slot_minutes integer not null constraint resources_slot_is_positive check (slot_minutes > 0),
  min_slots integer not null default 1,
  max_slots integer,
  opening_hours jsonb not null,
  price_per_slot bigint not null constraint resources_price_is_not_negative check (price_per_slot >= 0),
  -- Rises with each change of a claim, in the same transaction; caches of availability go by it.
  inventory_version bigint not null default 0,
  version integer not null default 1,
  archived_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint resources_slot_limits check (min_slots > 0 and (max_slots is null or max_slots >= min_slots))
);
create index resources_listed on resources (created_at, id) where archived_at is null;
create index resources_listed_by_venue on resources (venue_id, created_at, id) where archived_at is null;

create table halls (
  id text collate "C" primary key,
  venue_id text collate "C" not null constraint halls_venue references venues,
  name text not null,
  -- [{"row": "A", "seats": 20, "category": "standard", "accessible": [1, 2]}], from the front.
  rows jsonb not null,
  -- Sum of the rows' seats; the capacity of each event in the hall.
  seat_count integer not null constraint halls_have_seats check (seat_count > 0),
  version integer not null default 1,
  archived_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now()
);
create index halls_listed on halls (created_at, id) where archived_at is null;
create index halls_listed_by_venue on halls (venue_id, created_at, id) where archived_at is null;

create table events (
  id text collate "C" primary key,
  venue_id text collate "C" not null constraint events_venue references venues,
  name text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  inventory text not null constraint events_inventory_is_known check (inventory in ('seats', 'pool')),
  hall_id text collate "C" constraint events_hall references halls,
  -- The version of the hall whose seats are sold.
  hall_version integer,
  capacity integer not null constraint events_capacity_is_positive check (capacity > 0),
  -- Places held or sold. Only pools count here; a seat is counted by its claim.
  claimed integer not null default 0,
  numbered boolean not null default false,
  -- [{"category": "standard", "amount": 4500}] in minor units of the venue's currency.
  prices jsonb not null,
  max_per_booking integer constraint events_max_per_booking_is_positive check (max_per_booking > 0),
  pricing text not null default 'list' constraint events_pricing_is_known check (pricing in ('list', 'quoted')),
  inventory_version bigint not null default 0,
  version integer not null default 1,
  archived_at timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  -- The arbiter of pools (G1): no transaction can sell a place that is not there, whatever it believed to have read.
  constraint events_claimed_within_capacity check (claimed >= 0 and claimed <= capacity),
  constraint events_end_after_start check (ends_at > starts_at),
  -- Seats are those of a hall; a pool has none, and only a pool can number its places.
  constraint events_seats_have_a_hall check (
    case inventory when 'seats' then hall_id is not null and hall_version is not null and not numbered
                   else hall_id is null and hall_version is null end
  )
)
-- Pools update `claimed` and `inventory_version` with every batch of holds: room on the page keeps those updates off the indexes.
with (fillfactor = 70);
create index events_listed on events (created_at, id) where archived_at is null;
create index events_listed_by_venue on events (venue_id, created_at, id) where archived_at is null;

-- Down Migration
drop table events, halls, resources, venues;
