-- Up Migration

-- What each row of a crowd of holds costs when it expires (ADR 57). The history row is written by the statement that changes the
-- booking, which is never deleted; the check asked for each row again, one by one. The auditor compares both tables (history_ends_in_state).
alter table booking_history drop constraint booking_history_booking_id_fkey;
-- HELD to EXPIRED is legal for every booking, whatever its other columns say, so nothing has to be looked up.
drop trigger bookings_transition on bookings;
create trigger bookings_transition before update of status on bookings
  for each row when (old.status is distinct from new.status and not (old.status = 'HELD' and new.status = 'EXPIRED'))
  execute function check_booking_transition();
-- Of a crowd that lapses together the places come first: who is still to be told of it, in the same transaction.
create table expiries_to_tell (
  id bigint generated always as identity primary key,
  booking_ids text[] collate "C" not null,
  cause text not null,
  at timestamptz not null
);

-- Down Migration
drop table expiries_to_tell;
drop trigger bookings_transition on bookings;
create trigger bookings_transition before update of status on bookings
  for each row when (old.status is distinct from new.status) execute function check_booking_transition();
alter table booking_history
  add constraint booking_history_booking_id_fkey foreign key (booking_id) references bookings not valid;
alter table booking_history validate constraint booking_history_booking_id_fkey;
