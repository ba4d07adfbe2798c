-- Up Migration

-- When a ticket let somebody in: the door sees a ticket that was shown before, though its booking stays checked in.
alter table tickets add column admitted_at timestamptz;

-- Down Migration
alter table tickets drop column admitted_at;
