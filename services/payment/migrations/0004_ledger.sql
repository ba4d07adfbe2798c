-- Up Migration
-- Double-entry: each row takes a positive amount of one currency from its credit account to its debit account, so the sums of both
-- sides are equal whatever is posted. A row is written in the transaction that records its fact, and is never changed.
create table ledger_entries (
  id bigint generated always as identity primary key,
  payment_id text collate "C" not null references payments (id),
  kind text not null,
  debit_account text not null,
  credit_account text not null,
  amount bigint not null,
  currency text not null,
  -- What the provider calls it: the intent, the refund, or the transaction that took the fee.
  provider_reference text not null,
  -- Id of the operation or callback that brought the fact.
  cause text not null,
  posted_at timestamptz not null default clock.app_now(),
  -- Two callbacks with different ids may tell one fact; it posts once.
  constraint ledger_entries_once unique (payment_id, kind, provider_reference),
  constraint ledger_entries_amount_is_positive check (amount > 0),
  -- A kind always moves between the same two accounts, so a sum over an account can be read without knowing who posted.
  constraint ledger_entries_kind_says_accounts check ((kind, debit_account, credit_account) in (
    ('authorisation', 'authorisations', 'bookings'),
    ('capture', 'provider_clearing', 'authorisations'),
    ('void', 'bookings', 'authorisations'),
    ('refund', 'refunds', 'provider_clearing'),
    ('fee', 'provider_fees', 'provider_clearing')))
);
-- A payment is authorised, captured and voided once, whatever the provider calls it.
create unique index ledger_entries_one_of_its_kind on ledger_entries (payment_id, kind)
  where kind in ('authorisation', 'capture', 'void');

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
  for each statement execute function refuse_ledger_change();

-- Posts what payments and refunds say and the ledger lacks: the facts from before it existed, and those that a process of the release
-- before recorded while both ran. Fees are not recorded elsewhere.
create function post_missing_ledger_entries() returns bigint language sql as $$
  with facts (payment_id, kind, debit_account, credit_account, amount, currency, provider_reference, at) as (
    select id, 'authorisation', 'authorisations', 'bookings', amount, currency, coalesce(provider_reference, id), updated_at
      from payments
     where captured_amount > 0
        or exists (select from operations
                    where operations.payment_id = payments.id
                      and operations.kind = 'confirm'
                      and operations.outcome in ('authorised', 'settled_authorised'))
    union all
    select id, 'capture', 'provider_clearing', 'authorisations', captured_amount, currency, coalesce(provider_reference, id),
           updated_at
      from payments
     where captured_amount > 0
    union all
    select id, 'void', 'bookings', 'authorisations', amount, currency, coalesce(provider_reference, id), voided_at
      from payments
     where voided_at is not null
       and exists (select from operations
                    where operations.payment_id = payments.id
                      and operations.kind = 'confirm'
                      and operations.outcome in ('authorised', 'settled_authorised'))
    union all
    select payment_id, 'refund', 'refunds', 'provider_clearing', amount, currency, coalesce(provider_reference, id), updated_at
      from refunds
     where status = 'SUCCEEDED'
  ), posted as (
    insert into ledger_entries
           (payment_id, kind, debit_account, credit_account, amount, currency, provider_reference, cause)
    select payment_id, kind, debit_account, credit_account, amount, currency, provider_reference, 'catch-up'
      from facts
     order by at, payment_id, kind
        on conflict do nothing
    returning 1
  )
  select count(*) from posted
$$;
select post_missing_ledger_entries();

-- Down Migration
drop table ledger_entries;
drop function post_missing_ledger_entries();
drop function refuse_ledger_change();
