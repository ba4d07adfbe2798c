-- Up Migration

-- What the attention list looks for, out of all payments there ever were.
create index payments_to_attend on payments (updated_at) where mismatch is not null or status = 'UNKNOWN';

-- Down Migration
drop index payments_to_attend;
