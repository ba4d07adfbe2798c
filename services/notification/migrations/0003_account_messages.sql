-- Up Migration

-- A message about an account has no booking.
alter table deliveries alter column booking_id drop not null;

-- Down Migration
delete from deliveries where booking_id is null;
alter table deliveries alter column booking_id set not null;
