-- Up Migration

-- A kind of notice is a word of the code that renders it (src/deliveries/delivery.ts); a list here would have to change with each.
alter table deliveries
  drop constraint deliveries_kind_check,
  add constraint deliveries_kind_check check (kind ~ '^[a-z][a-z_]{0,39}$');

-- Down Migration
alter table deliveries
  drop constraint deliveries_kind_check,
  add constraint deliveries_kind_check check (kind in ('confirmed', 'cancelled', 'failed')) not valid;
