-- Up Migration
-- Why an operation was put off last: what waits for the provider to come back goes on as soon as it does, what the provider itself
-- put off does not.
alter table operations add column put_off text;

-- Refunds of the booking's saga and of operators live side by side; only a saga's refund gives way to what operators paid back.
alter table refunds add column origin text not null default 'saga';
alter table refunds add column requested_by text collate "C";
alter table refunds add constraint refunds_origin check (origin in ('saga', 'operator'));
alter table refunds add constraint refunds_of_operators_name_them check ((origin = 'operator') = (requested_by is not null));

-- When the intent was last compared with the payment, in case every callback about it was lost.
alter table payments add column looked_at timestamptz;
create index payments_to_look_at on payments (coalesce(looked_at, created_at))
  where provider_reference is not null
    and status in ('PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'UNKNOWN');

-- Where the provider's books and ours differ, one row for each kind and intent, however often it is found.
create table reconciliation_findings (
  kind text not null,
  provider text not null,
  provider_reference text not null,
  payment_id text collate "C",
  booking_id text collate "C",
  -- Minor units on both sides, null where a side has none.
  amount_here bigint,
  amount_there bigint,
  currency text not null,
  -- OPEN: for a person. REPAIRED: the payment took over what the provider says. GONE: a later sweep no longer found it.
  state text not null,
  detail text not null,
  found_at timestamptz not null default clock.app_now(),
  seen_at timestamptz not null default clock.app_now(),
  constraint reconciliation_findings_once primary key (provider, kind, provider_reference),
  constraint reconciliation_findings_kind check (kind in (
    'paid_there_not_here', 'paid_here_not_there', 'amount_differs', 'refund_missing', 'duplicate_charge')),
  constraint reconciliation_findings_state check (state in ('OPEN', 'REPAIRED', 'GONE'))
);
create index reconciliation_findings_by_state on reconciliation_findings (state, found_at);

-- Down Migration
drop table reconciliation_findings;
drop index payments_to_look_at;
alter table payments drop column looked_at;
alter table refunds drop constraint refunds_of_operators_name_them;
alter table refunds drop constraint refunds_origin;
alter table refunds drop column requested_by;
alter table refunds drop column origin;
alter table operations drop column put_off;
