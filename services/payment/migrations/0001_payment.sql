-- Up Migration
-- One payment a booking: one intent at the provider, tried as often as the booking service asks for an attempt.
create table payments (
  id text collate "C" primary key,
  booking_id text collate "C" not null,
  user_id text collate "C" not null,
  reference text not null,
  provider text not null,
  -- Id of the intent, committed before the first confirmation: an unknown outcome is settled by reading that intent.
  provider_reference text,
  amount bigint not null,
  currency text not null,
  status text not null,
  capture_state text not null default 'none',
  captured_amount bigint not null default 0,
  -- Refunds asked for that have not failed, and those that settled.
  refund_reserved bigint not null default 0,
  refunded_amount bigint not null default 0,
  void_requested_at timestamptz,
  voided_at timestamptz,
  -- An outcome whose amount or currency is not ours: for a person, never announced as money.
  mismatch text,
  -- Last sequence number of family `payment` for the booking; counted under this row's lock.
  event_seq integer not null default 0,
  traceparent text,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint payments_one_per_booking unique (booking_id),
  constraint payments_provider_reference_is_unique unique (provider, provider_reference),
  constraint payments_amount_is_positive check (amount > 0),
  constraint payments_status check (status in (
    'PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'CAPTURED', 'VOIDED', 'DECLINED', 'UNKNOWN',
    'PARTIALLY_REFUNDED', 'REFUNDED')),
  constraint payments_capture_state check (capture_state in ('none', 'requested', 'unknown', 'failed', 'done')),
  constraint payments_capture_within_amount check (captured_amount between 0 and amount),
  constraint payments_refunds_within_capture check (refund_reserved between 0 and captured_amount),
  constraint payments_refunded_within_reserved check (refunded_amount between 0 and refund_reserved),
  constraint payments_void_moves_no_money check (voided_at is null or captured_amount = 0)
);

create table attempts (
  payment_id text collate "C" not null references payments (id),
  number integer not null check (number > 0),
  payment_method text not null,
  status text not null,
  decline_reason text,
  redirect_url text,
  -- The provider's charge of a declined attempt: tells its late callbacks from those of a later attempt on the same intent.
  provider_charge text,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint attempts_number_is_unique primary key (payment_id, number),
  constraint attempts_status check (status in (
    'PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'CAPTURED', 'VOIDED', 'DECLINED', 'UNKNOWN'))
);

create table refunds (
  id text collate "C" primary key,
  payment_id text collate "C" not null references payments (id),
  amount bigint not null,
  currency text not null,
  reason text not null,
  status text not null default 'PENDING',
  provider_reference text,
  failure_reason text,
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint refunds_amount_is_positive check (amount > 0),
  constraint refunds_status check (status in ('PENDING', 'SUCCEEDED', 'FAILED'))
);
create index refunds_of_payment on refunds (payment_id);

-- Calls to the provider: each row is committed before its call, and the call carries its key, so that doing it again is harmless.
create table operations (
  id text collate "C" primary key,
  payment_id text collate "C" not null references payments (id),
  kind text not null,
  attempt integer,
  refund_id text collate "C" references refunds (id),
  idempotency_key text not null,
  -- The provider repeats its stored answer to a key, refusals and 5xx included: a request that surely had no effect goes again
  -- under a key of the next generation.
  key_generation integer not null default 1,
  -- WAITING: needs the intent's id first. SKIPPED: overtaken before it was sent.
  state text not null,
  -- LOOK: sent before with an unknown or open outcome, so the provider is asked before anything is sent again.
  mode text not null default 'SEND',
  tries integer not null default 0,
  due_at timestamptz not null default clock.app_now(),
  locked_until timestamptz,
  outcome text,
  cause text not null,
  created_at timestamptz not null default clock.app_now(),
  finished_at timestamptz,
  constraint operations_idempotency_key_is_unique unique (idempotency_key),
  constraint operations_kind check (kind in ('create', 'confirm', 'capture', 'cancel', 'refund')),
  constraint operations_state check (state in ('WAITING', 'DUE', 'DONE', 'SKIPPED')),
  constraint operations_mode check (mode in ('SEND', 'LOOK')),
  constraint operations_name_their_object check ((kind = 'refund') = (refund_id is not null)),
  constraint operations_end_with_an_outcome check ((state in ('DONE', 'SKIPPED')) = (outcome is not null))
);
create index operations_due on operations (due_at) where state = 'DUE';
create index operations_of_payment on operations (payment_id);

-- Every genuine callback, as it came, kept for ever: the primary key is the replay check.
create table provider_events (
  provider text not null,
  event_id text collate "C" not null,
  type text not null,
  body bytea not null,
  headers jsonb not null,
  state text not null default 'RECEIVED',
  tries integer not null default 0,
  due_at timestamptz not null default clock.app_now(),
  locked_until timestamptz,
  payment_id text collate "C" references payments (id),
  result text,
  request_id text not null,
  received_at timestamptz not null default clock.app_now(),
  applied_at timestamptz,
  constraint provider_events_once primary key (provider, event_id),
  constraint provider_events_state check (state in ('RECEIVED', 'APPLIED', 'IGNORED'))
);
create index provider_events_open on provider_events (due_at) where state = 'RECEIVED';
create index provider_events_of_payment on provider_events (payment_id);

-- Down Migration
drop table provider_events, operations, refunds, attempts, payments;
