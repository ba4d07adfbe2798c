/**
 * The yardsticks' tables: the same columns, checks and indexes as the booking service's, without its foreign keys, triggers and locks.
 * So the yardsticks do less than a hold does, and a ratio to them flatters nobody.
 */
export const TABLES = [
  'idempotency_keys',
  'seat_claims',
  'slot_claims',
  'bookings',
  'booking_history',
  'outbox',
] as const;

/** Two benches have yardsticks in these tables and take turns in one run, so whoever comes second keeps what is there. */
export const CREATE_TABLES = `
create schema if not exists bench;
${TABLES.map((table) => `create table if not exists bench.${table} (like booking.${table} including all);`).join('\n')}
`;

export const EMPTY_TABLES = `truncate ${TABLES.map((table) => `bench.${table}`).join(', ')}`;

/** One hold as seven statements, in this order; each is prepared once a connection. Times are parameters, as they are ours. */
export const SEVEN_STATEMENTS = {
  begin: 'begin',
  key: `insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
values ($1, $2, $3, 201, $4, $5, $6)
on conflict (user_id, key) do nothing`,
  claim: `insert into seat_claims (event_id, seat, booking_id, claimed_at)
values ($1, $2, $3, $4)
on conflict (event_id, seat) where released_at is null do nothing`,
  booking: `insert into bookings (id, reference, user_id, status, inventory, event_id, seats, quantity, starts_at, ends_at, time_zone,
                      title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name,
                      hold_expires_at, hold_seq, created_at, updated_at)
values ($1, $2, $3, 'HELD', 'seats', $4, array[$5], 1, $6, $7, 'Europe/Paris',
        'Concert', 'Arena', '{}', 4500, 'EUR', $8, $9, 'Bench Customer', $10, 1, $11, $11)`,
  history: `insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
values ($1, 1, null, 'HELD', 'held', $2, $3, $4)`,
  outbox: `insert into outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
values ($1, 'booking.hold.00.held', $2, 'hold', 1, $3, $4, $5, $5)`,
  commit: 'commit',
} as const;

/** Two of the seven for a slot; the others are the same. */
export const SLOT_STATEMENTS = {
  ...SEVEN_STATEMENTS,
  claim: `insert into slot_claims (resource_id, during, booking_id, claimed_at)
values ($1, tstzrange($2, $3), $4, $5)
on conflict do nothing`,
  booking: `insert into bookings (id, reference, user_id, status, inventory, resource_id, quantity, starts_at, ends_at, time_zone,
                      title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name,
                      hold_expires_at, hold_seq, created_at, updated_at)
values ($1, $2, $3, 'HELD', 'slots', $4, 1, $5, $6, 'UTC',
        'Court', 'Courts', '{}', 1200, 'EUR', $7, $8, 'Bench Customer', $9, 1, $10, $10)`,
} as const;

/** The same hold as one call of a function, which is a transaction of its own. */
export const CREATE_FUNCTION = `
create or replace function bench.hold(p_user text, p_key text, p_fingerprint text, p_headers jsonb, p_body text, p_event text, p_seat text,
                           p_booking text, p_reference text, p_starts timestamptz, p_ends timestamptz, p_lines jsonb, p_email text,
                           p_expires timestamptz, p_at timestamptz, p_cause text, p_message text, p_payload text, p_trace text)
returns boolean language plpgsql as $$
begin
  insert into bench.idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
  values (p_user, p_key, p_fingerprint, 201, p_headers, p_body, p_at)
  on conflict (user_id, key) do nothing;
  if not found then
    return false;
  end if;
  insert into bench.seat_claims (event_id, seat, booking_id, claimed_at)
  values (p_event, p_seat, p_booking, p_at)
  on conflict (event_id, seat) where released_at is null do nothing;
  if not found then
    raise exception 'seat % is taken', p_seat;
  end if;
  insert into bench.bookings (id, reference, user_id, status, inventory, event_id, seats, quantity, starts_at, ends_at, time_zone,
                              title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name,
                              hold_expires_at, hold_seq, created_at, updated_at)
  values (p_booking, p_reference, p_user, 'HELD', 'seats', p_event, array[p_seat], 1, p_starts, p_ends, 'Europe/Paris',
          'Concert', 'Arena', '{}', 4500, 'EUR', p_lines, p_email, 'Bench Customer', p_expires, 1, p_at, p_at);
  insert into bench.booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
  values (p_booking, 1, null, 'HELD', 'held', p_user, p_cause, p_at);
  insert into bench.outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
  values (p_message, 'booking.hold.00.held', p_booking, 'hold', 1, p_payload, p_trace, p_at, p_at);
  return true;
end $$;
`;

export const ONE_CALL = `select bench.hold($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) as held`;
