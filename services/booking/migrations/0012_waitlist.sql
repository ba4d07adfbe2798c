-- Up Migration

-- A booking that began as a wait for its places; PENDING until they are offered. The entry points back at it.
alter table bookings add column waitlist_entry_id text collate "C";

-- How many wait for places of the event or times of the resource, and the inventory_version up to which they were served: while the
-- two versions are the same nobody of the line fits what is free. Holds read both with the row that they lock anyway.
alter table events
  add column waiting integer not null default 0 constraint events_waiting_is_not_negative check (waiting >= 0),
  add column line_version bigint not null default 0;
alter table resources
  add column waiting integer not null default 0 constraint resources_waiting_is_not_negative check (waiting >= 0),
  add column line_version bigint not null default 0;
-- What the loop looks at. The counter alone decides membership, so updates of claims stay off these indexes.
create index events_waited_for on events (id) where waiting > 0;
create index resources_waited_for on resources (id) where waiting > 0;

create table waitlist_entries (
  id text collate "C" primary key,
  -- The order of the line. Given out under the lock of the event or resource, so it rises in the order of commits there.
  seq bigint generated always as identity,
  booking_id text collate "C" not null constraint waitlist_entries_booking references bookings,
  user_id text collate "C" not null,
  status text not null default 'WAITING' constraint waitlist_entries_status_is_known
    check (status in ('WAITING', 'OFFERED', 'ACCEPTED', 'LEFT', 'EXPIRED', 'FAILED', 'CANCELLED')),
  event_id text collate "C" constraint waitlist_entries_event references events,
  resource_id text collate "C" constraint waitlist_entries_resource references resources,
  -- Wanted, and the least that is taken instead.
  quantity integer not null constraint waitlist_entries_quantity_is_positive check (quantity > 0),
  min_quantity integer not null,
  category text collate "C",
  -- Of a resource.
  starts_at timestamptz,
  ends_at timestamptz,
  -- Wishes of one event that are the same fit or do not fit alike: the line is read by them.
  wish text collate "C" generated always as (quantity::text || '/' || min_quantity::text || '/' || coalesce(category, '')) stored,
  offered_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint waitlist_entries_one_per_booking unique (booking_id),
  constraint waitlist_entries_least_within_wanted check (min_quantity between 1 and quantity),
  constraint waitlist_entries_name_one_inventory check (
    case when event_id is not null then resource_id is null and starts_at is null and ends_at is null
         else resource_id is not null and starts_at < ends_at and quantity = 1 and category is null end
  )
);
-- Nobody stands twice in a line for the same thing.
create unique index waitlist_entries_one_wait_for_places on waitlist_entries (user_id, event_id, category) nulls not distinct
  where status = 'WAITING' and event_id is not null;
create unique index waitlist_entries_one_wait_for_a_time on waitlist_entries (user_id, resource_id, starts_at, ends_at)
  where status = 'WAITING' and resource_id is not null;
create index waitlist_entries_line_for_places on waitlist_entries (event_id, wish, seq) where status = 'WAITING' and event_id is not null;
create index waitlist_entries_line_for_times on waitlist_entries (resource_id, starts_at, ends_at, seq)
  where status = 'WAITING' and resource_id is not null;
create index waitlist_entries_by_event on waitlist_entries (event_id, seq) where event_id is not null;
create index waitlist_entries_by_resource on waitlist_entries (resource_id, seq) where resource_id is not null;
create index waitlist_entries_by_user on waitlist_entries (user_id, seq);

-- The counters follow the entries, whoever writes them. Inventory is locked before an entry is written or its booking changes.
create function count_waiting() returns trigger language plpgsql as $$
begin
  update events set waiting = waiting + 1 where id = new.event_id;
  update resources set waiting = waiting + 1 where id = new.resource_id;
  return null;
end $$;
create trigger waitlist_entries_counted after insert on waitlist_entries for each row execute function count_waiting();

-- An entry says in its own words what its booking is, and is changed by nothing else. What was accepted stays so.
create function follow_waited_booking() returns trigger language plpgsql as $$
begin
  update waitlist_entries
     set status = case
           when status = 'ACCEPTED' then status
           when new.status in ('HELD', 'PAYMENT_INITIATED', 'PAID') then 'OFFERED'
           when new.status in ('CONFIRMED', 'CHECKED_IN', 'COMPLETED') then 'ACCEPTED'
           when new.status = 'EXPIRED' then 'EXPIRED'
           when new.status = 'FAILED' then 'FAILED'
           when new.status = 'CANCELLED'
             then case when exists (select from events where id = new.event_id and cancelled_at is not null) then 'CANCELLED' else 'LEFT' end
           else status end,
         offered_at = case when old.status = 'PENDING' and new.status = 'HELD' then new.updated_at else offered_at end,
         updated_at = new.updated_at
   where id = new.waitlist_entry_id;
  if old.status = 'PENDING' then
    update events set waiting = waiting - 1 where id = new.event_id;
    update resources set waiting = waiting - 1 where id = new.resource_id;
  end if;
  return null;
end $$;
create trigger bookings_waited_for after update of status on bookings
  for each row when (new.waitlist_entry_id is not null and old.status is distinct from new.status)
  execute function follow_waited_booking();

-- Down Migration
drop trigger bookings_waited_for on bookings;
drop function follow_waited_booking;
drop table waitlist_entries;
drop function count_waiting;
drop index resources_waited_for, events_waited_for;
alter table resources drop column line_version, drop column waiting;
alter table events drop column line_version, drop column waiting;
alter table bookings drop column waitlist_entry_id;
