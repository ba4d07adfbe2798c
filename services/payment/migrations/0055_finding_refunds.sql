-- Up Migration
-- Money that the provider took and that belongs to no payment of ours goes back by a refund of its own: there is no payment whose
-- captured amount could bound it, so the finding does. Committed before the call, which carries the id as its key.
create table finding_refunds (
  id text collate "C" primary key,
  finding_id bigint not null constraint finding_refunds_finding references reconciliation_findings (id),
  provider text not null,
  -- The intent that is paid back.
  provider_reference text not null,
  -- Minor units; all that the provider took by it.
  amount bigint not null constraint finding_refunds_amount_is_positive check (amount > 0),
  currency text not null,
  reason text not null,
  requested_by text collate "C" not null,
  cause text not null,
  status text not null default 'PENDING'
    constraint finding_refunds_status check (status in ('PENDING', 'SUCCEEDED', 'FAILED')),
  -- The provider's id of the refund.
  provider_refund text,
  failure_reason text,
  tries integer not null default 0,
  due_at timestamptz not null default clock.app_now(),
  locked_until timestamptz,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint finding_refunds_end_with_an_outcome check (
    (status = 'SUCCEEDED') = (provider_refund is not null) and (status = 'FAILED') = (failure_reason is not null))
);
-- Two findings may speak of one intent. It is paid back once; after a refusal of the provider somebody may try again.
create unique index finding_refunds_once on finding_refunds (provider, provider_reference) where status <> 'FAILED';
create index finding_refunds_of_finding on finding_refunds (finding_id, created_at);
create index finding_refunds_due on finding_refunds (due_at) where status = 'PENDING';

-- Down Migration
drop table finding_refunds;
