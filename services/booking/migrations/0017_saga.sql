-- Up Migration

-- LAPSING: the hold ran out while a payment was under way; the provider is asked to give up what the customer has not paid.
alter table checkout_sagas drop constraint checkout_sagas_state_check;
alter table checkout_sagas
  add constraint checkout_sagas_state_is_known check (state in (
    'AUTHORISING', 'DECLINED', 'CAPTURING', 'CONFIRMED', 'FAILED', 'LAPSING', 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED',
    'CLOSED', 'STUCK')),
  -- Whether the customer takes equivalent places, should the money come after the hold ran out and others have the same ones.
  add column allow_equivalent boolean not null default false,
  -- By when the answer to the step under way should be there; what is later also stands in the attention list.
  add column deadline_at timestamptz,
  -- What the payment service said last that was no answer to the step, e.g. why a refund failed.
  add column last_error text,
  -- Where a STUCK saga was.
  add column stuck_in text;
-- An older row may be STUCK without its reason only if it was made so by hand.
alter table checkout_sagas
  add constraint checkout_sagas_stuck_has_its_reason check (state <> 'STUCK' or stuck_reason is not null) not valid;
update checkout_sagas
   set deadline_at = updated_at + interval '10 minutes'
 where state in ('CAPTURING', 'VOIDING', 'REFUNDING');
create index checkout_sagas_overdue on checkout_sagas (deadline_at) where deadline_at is not null;
create index checkout_sagas_stuck on checkout_sagas (updated_at) where state = 'STUCK';

-- PAID is passed through on the way to CONFIRMED and never rested in, so one UPDATE may take both steps; the history has both.
create or replace function check_booking_transition() returns trigger language plpgsql as $$
begin
  if not exists (select
                   from booking_transitions
                  where from_status = old.status
                    and to_status = case new.status when 'CONFIRMED' then 'PAID' else new.status end)
     and not (old.status = 'PAID' and new.status = 'CONFIRMED') then
    raise exception 'booking % cannot go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'bookings_transition_is_legal';
  end if;
  if old.pinned_at is not null and old.status = 'PAYMENT_INITIATED' and new.status in ('CANCELLED', 'EXPIRED') then
    raise exception 'booking % is pinned and cannot become %', old.id, new.status
      using errcode = 'check_violation', constraint = 'bookings_pinned_stays';
  end if;
  if old.status = 'HELD' and new.status in ('PAID', 'CONFIRMED') and new.price_amount <> 0 then
    raise exception 'booking % costs money and cannot become % without a payment', old.id, new.status
      using errcode = 'check_violation', constraint = 'bookings_only_free_ones_skip_payment';
  end if;
  return new;
end $$;

-- Down Migration
create or replace function check_booking_transition() returns trigger language plpgsql as $$
begin
  if not exists (select from booking_transitions where from_status = old.status and to_status = new.status) then
    raise exception 'booking % cannot go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'bookings_transition_is_legal';
  end if;
  if old.pinned_at is not null and old.status = 'PAYMENT_INITIATED' and new.status in ('CANCELLED', 'EXPIRED') then
    raise exception 'booking % is pinned and cannot become %', old.id, new.status
      using errcode = 'check_violation', constraint = 'bookings_pinned_stays';
  end if;
  if old.status = 'HELD' and new.status = 'PAID' and new.price_amount <> 0 then
    raise exception 'booking % costs money and cannot become PAID without a payment', old.id
      using errcode = 'check_violation', constraint = 'bookings_only_free_ones_skip_payment';
  end if;
  return new;
end $$;
drop index checkout_sagas_overdue;
drop index checkout_sagas_stuck;
alter table checkout_sagas
  drop constraint checkout_sagas_stuck_has_its_reason,
  drop column allow_equivalent,
  drop column deadline_at,
  drop column last_error,
  drop column stuck_in,
  drop constraint checkout_sagas_state_is_known;
update checkout_sagas set state = 'VOIDING' where state = 'LAPSING';
alter table checkout_sagas
  add constraint checkout_sagas_state_check check (state in ('AUTHORISING', 'DECLINED', 'CAPTURING', 'CONFIRMED', 'FAILED', 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED', 'CLOSED', 'STUCK'));
