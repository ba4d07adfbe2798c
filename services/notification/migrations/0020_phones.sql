-- Up Migration

-- Where a customer wants text messages. One number each; it counts once its code was sent back.
create table phones (
  user_id text collate "C" primary key,
  phone text not null constraint phones_international check (phone ~ '^\+[1-9][0-9]{7,14}$'),
  verified_at timestamptz,
  -- The code that was sent last, sealed under a key of HOLDFAST_INTERNAL_SECRET; gone when it was used.
  sealed_code text,
  code_expires_at timestamptz,
  wrong_codes integer not null default 0 constraint phones_wrong_codes_bounded check (wrong_codes between 0 and 5),
  created_at timestamptz not null default clock.app_now(),
  updated_at timestamptz not null default clock.app_now(),
  constraint phones_code_has_its_time check ((sealed_code is null) = (code_expires_at is null)),
  constraint phones_verified_or_waiting check ((verified_at is null) = (sealed_code is not null))
);

-- Codes that were sent in the last day: text messages cost money and reach whoever has the number, so they are few for a user and for a
-- number, also when the number is given up in between.
create table phone_codes (
  id bigint generated always as identity primary key,
  user_id text collate "C" not null,
  phone text not null,
  sent_at timestamptz not null default clock.app_now()
);

-- Down Migration
drop table phone_codes;
drop table phones;
delete from deliveries where channel = 'sms';
