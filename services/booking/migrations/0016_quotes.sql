-- Up Migration

-- What becomes of a hold of an event with quoted prices when no quote can be had: it costs the list price, or it is refused.
alter table events
  add column quote_fallback text not null default 'refuse'
    constraint events_quote_fallback_is_known check (quote_fallback in ('list', 'refuse'));

-- The quote that made a booking's price, as the quoter signed it: whoever doubts the price can verify it again.
create table booking_quotes (
  booking_id text collate "C" primary key references bookings,
  quote_id text not null,
  -- Made by us for one question.
  nonce text not null,
  key_id text not null,
  signed_body text not null,
  signature text not null,
  expires_at timestamptz not null,
  used_at timestamptz not null,
  -- A quote makes the price of one booking.
  constraint booking_quotes_used_once unique (nonce),
  constraint booking_quotes_used_in_time check (used_at < expires_at)
);

-- Down Migration
drop table booking_quotes;
alter table events drop column quote_fallback;
