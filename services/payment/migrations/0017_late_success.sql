-- Up Migration

-- The void that is asked for gives way to an authorisation: the hold ran out while the customer was paying, and the booking service
-- wants to hear of it before the money is let go.
alter table payments
  add column void_unless_paid boolean not null default false,
  add constraint payments_void_unless_paid_is_a_void check (not void_unless_paid or void_requested_at is not null);

-- Down Migration
alter table payments drop constraint payments_void_unless_paid_is_a_void, drop column void_unless_paid;
