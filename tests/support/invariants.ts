import { until } from '@holdfast/shared/testing/until';
import { query } from './query.ts';
import type { Stack } from './stack.ts';
import { readEffects } from './witness.ts';

/** States in which a booking has its places. */
const LIVE = `('HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')`;

/** Each statement finds what must not be; an empty answer is a kept promise. */
const INVARIANTS: Readonly<Record<string, string>> = {
  'a booking that stands is at the time of its event, or on the list to follow it': `
    select b.id, b.starts_at, e.starts_at as event_starts_at from booking.bookings b
      join booking.events e on e.id = b.event_id
     where b.status in ${LIVE}
       and (b.starts_at, b.ends_at) <> (e.starts_at, e.ends_at)
       and e.cancelled_at is null
       and not exists (select from booking.bookings_to_move w where w.booking_id = b.id)`,
  'what can be found is what the catalogue has': `
    select coalesce(s.id, e.id) as id from booking.search_entries s
      full join (select id, starts_at from booking.events
                  where archived_at is null and cancelled_at is null and ends_at > clock.app_now()
                  union all
                 select id, 'infinity' from booking.resources where archived_at is null) e on e.id = s.id
     where (s.id is null or e.id is null and s.ends_at > clock.app_now() or s.sort_at <> e.starts_at)`,
  'one live claim a seat': `
    select event_id, seat, count(*) from booking.seat_claims where released_at is null
     group by event_id, seat having count(*) > 1`,
  'live slot claims never overlap': `
    select a.booking_id, b.booking_id as other from booking.slot_claims a
      join booking.slot_claims b on b.resource_id = a.resource_id and b.during && a.during and b.booking_id > a.booking_id
     where a.released_at is null and b.released_at is null`,
  'claimed is what is claimed, and within capacity': `
    select e.id, e.claimed, e.capacity, coalesce(sum(c.quantity), 0) as claims from booking.events e
      left join booking.pool_claims c on c.event_id = e.id and c.released_at is null
     where e.inventory = 'pool'
     group by e.id
    having e.claimed <> coalesce(sum(c.quantity), 0) or e.claimed > e.capacity or e.claimed < 0`,
  'a numbered pool gives each booking as many numbers as places': `
    select c.booking_id, c.quantity from booking.pool_claims c join booking.events e on e.id = c.event_id and e.numbered
     where c.released_at is null
       and c.quantity <> (select count(*) from booking.pool_places p
                           where p.booking_id = c.booking_id and p.released_at is null)`,
  'place numbers are either given or free': `
    select e.id, e.places_given, e.claimed from booking.events e
     where e.numbered
       and e.places_given <> (select count(*) from booking.pool_places p where p.event_id = e.id and p.released_at is null)
                           + (select count(*) from booking.pool_free_places f where f.event_id = e.id)`,
  'only live bookings claim': `
    select b.id, b.status from booking.bookings b
      join (select booking_id from booking.seat_claims where released_at is null
             union select booking_id from booking.slot_claims where released_at is null
             union select booking_id from booking.pool_claims where released_at is null
             union select booking_id from booking.pool_places where released_at is null) c on c.booking_id = b.id
     where b.status not in ${LIVE.replace(')', `, 'COMPLETED')`)}`,
  'live bookings claim all that they show': `
    select b.id, b.status, b.quantity from booking.bookings b
     where b.status in ${LIVE}
       and case b.inventory
             when 'seats' then b.seats <> array(select seat from booking.seat_claims c
                                                 where c.booking_id = b.id and c.released_at is null
                                                 order by array_position(b.seats, c.seat))
             when 'pool' then b.quantity is distinct from (select quantity from booking.pool_claims c
                                                            where c.booking_id = b.id and c.released_at is null)
             else not exists (select from booking.slot_claims c
                               where c.booking_id = b.id and c.released_at is null
                                 and c.during = tstzrange(b.starts_at, b.ends_at, '[)'))
           end`,
  'claims are BOOKED if and only if the booking is paid': `
    select b.id, b.status, c.state from booking.bookings b
      join (select booking_id, state from booking.seat_claims where released_at is null
             union select booking_id, state from booking.slot_claims where released_at is null
             union select booking_id, state from booking.pool_claims where released_at is null) c on c.booking_id = b.id
     where (c.state = 'BOOKED') <> (b.status in ('PAID', 'CONFIRMED', 'CHECKED_IN', 'COMPLETED'))`,
  'history is a chain of legal transitions': `
    select * from (
      select h.booking_id, h.version, h.from_status, h.to_status,
             lag(h.to_status) over (partition by h.booking_id order by h.version) as before
        from booking.booking_history h) h
     where h.from_status is distinct from h.before
        or (h.from_status is not null
            and not exists (select from booking.booking_transitions t
                             where t.from_status = h.from_status and t.to_status = h.to_status))`,
  'history ends in the present state': `
    select b.id, b.status from booking.bookings b
     where b.status is distinct from (select to_status from booking.booking_history h
                                       where h.booking_id = b.id order by version desc limit 1)`,
  'a booking has one key that made it, or its series or its wait has': `
    select b.id, count(k.key) from booking.bookings b
      left join booking.idempotency_keys k
        on k.user_id = b.user_id and k.status = 201 and k.body::jsonb ->> 'id' = coalesce(b.series_id, b.waitlist_entry_id, b.id)
     group by b.id having count(k.key) <> 1`,
  'whoever waits is counted, and nobody else': `
    select id, waiting from booking.events e
     where waiting <> (select count(*) from booking.waitlist_entries w where w.event_id = e.id and w.status = 'WAITING')
     union all
    select id, waiting from booking.resources r
     where waiting <> (select count(*) from booking.waitlist_entries w where w.resource_id = r.id and w.status = 'WAITING')`,
  'an entry of the waitlist is what its booking is': `
    select w.id, w.status, b.status as booking from booking.waitlist_entries w
      join booking.bookings b on b.id = w.booking_id
     where case w.status
             when 'WAITING' then b.status <> 'PENDING'
             when 'OFFERED' then b.status not in ('HELD', 'PAYMENT_INITIATED', 'PAID')
             when 'ACCEPTED' then not exists (select from booking.booking_history h
                                               where h.booking_id = b.id and h.to_status = 'CONFIRMED')
             else b.status in ${LIVE} or b.status = 'PENDING'
           end
        or b.waitlist_entry_id is distinct from w.id`,
  'nobody gets two offers for one wait': `
    select ordering_key, count(*) from booking.outbox
     where family = 'booking' and split_part(subject, '.', 4) = 'offered'
     group by ordering_key having count(*) > 1`,
  'the ledger has what payments say': `
    select p.id, p.captured_amount, p.refunded_amount, l.captured, l.refunded, l.held from payment.payments p
      left join (select payment_id,
                        sum(amount) filter (where kind = 'capture') as captured,
                        sum(amount) filter (where kind = 'refund') as refunded,
                        sum(amount) filter (where kind = 'authorisation')
                          - coalesce(sum(amount) filter (where kind in ('capture', 'void')), 0) as held
                   from payment.ledger_entries group by payment_id) l on l.payment_id = p.id
     where p.captured_amount <> coalesce(l.captured, 0)
        or p.refunded_amount <> coalesce(l.refunded, 0)
        or coalesce(l.held, 0) <> case when p.captured_amount = 0 and p.voided_at is null
                                        and exists (select from payment.attempts a
                                                     where a.payment_id = p.id and a.status = 'AUTHORIZED')
                                       then p.amount else 0 end`,
  'no message is dead': `
    select 'booking' as service, consumer, cause, error from booking.dead_letters
     union all select 'payment', consumer, cause, error from payment.dead_letters
     union all select 'notification', consumer, cause, error from notification.dead_letters
     union all select 'identity', consumer, cause, error from identity.dead_letters`,
  ...Object.fromEntries(
    ['identity', 'booking', 'payment', 'notification'].map((schema) => [
      `the outbox of ${schema} counts without holes`,
      `select ordering_key, family, count(*), min(seq), max(seq) from ${schema}.outbox
        group by ordering_key, family having min(seq) <> 1 or max(seq) <> count(*)`,
    ]),
  ),
};

/** What is still on its way; each must become empty by itself. */
const UNDER_WAY: Readonly<Record<string, string>> = {
  'unpublished messages': `
    select id from booking.outbox where published_at is null
     union all select id from identity.outbox where published_at is null
     union all select id from payment.outbox where published_at is null
     union all select id from notification.outbox where published_at is null and available_at <= clock.app_now()`,
  'commands on their way to payment': `
    select id from booking.outbox o where family = 'checkout'
       and not exists (select from payment.inbox i where i.event_id = o.id)`,
  'answers on their way to booking': `
    select id from payment.outbox o where family = 'payment'
       and not exists (select from booking.inbox i where i.event_id = o.id)`,
  'calls to the provider': `select id from payment.operations where state in ('WAITING', 'DUE')`,
  'callbacks to apply': `select event_id from payment.provider_events where state = 'RECEIVED'`,
  'sagas that await an answer': `
    select booking_id from booking.checkout_sagas where state in ('AUTHORISING', 'CAPTURING', 'VOIDING', 'REFUNDING')`,
};

const UNDER_WAY_TO_CUSTOMERS: Readonly<Record<string, string>> = {
  'outcomes on their way to notification': `
    select id from booking.outbox o where family = 'booking'
       and not exists (select from notification.inbox i where i.event_id = o.id)`,
  'accounts on their way to notification': `
    select id from identity.outbox o where family = 'account'
       and not exists (select from notification.inbox i where i.event_id = o.id)`,
  'mails to send': `select id from notification.deliveries where state not in ('SENT', 'DEAD')`,
};

/** Waits until nothing is under way between the services that this stack runs. */
export async function untilQuiet(stack: Stack, timeout_ms = 30_000): Promise<void> {
  if (!stack.parts.includes('payment')) return;
  const statements = { ...UNDER_WAY, ...(stack.parts.includes('notification') ? UNDER_WAY_TO_CUSTOMERS : {}) };
  const callbacksArrive = stack.parts.includes('provider') && stack.parts.includes('gateway');
  const names = Object.keys(statements);
  const counts = Object.values(statements).map((sql) => `(select count(*)::int from (${sql}) rows)`);
  let left: string[] = [];
  try {
    await until(
      'the stack to become quiet',
      async () => {
        const [row] = await query<{ counts: number[] }>(stack, `select array[${counts.join(', ')}] as counts`);
        left = names.flatMap((name, index) => (row?.counts[index] ? [`${row.counts[index]} ${name}`] : []));
        if (left.length === 0 && callbacksArrive) left = await undeliveredCallbacks(stack);
        return left.length === 0;
      },
      timeout_ms,
    );
  } catch (error) {
    throw new Error(`still under way: ${left.join(', ')}`, { cause: error });
  }
}

/** The provider repeats a callback until it is taken, so one may still come when everything else has ended. */
async function undeliveredCallbacks(stack: Stack): Promise<string[]> {
  const response = await fetch(`${stack.url('provider')}/v1/events?delivery_success=false&limit=1`, {
    headers: { authorization: `Bearer ${stack.providerKey}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`the provider answered ${response.status} to a list of events`);
  const { data } = (await response.json()) as { data: unknown[] };
  return data.length > 0 ? ['callbacks to deliver'] : [];
}

/**
 * Every promise of the data that is broken, in words; an empty list is what a test expects. Money is checked against the provider's
 * own account of what it did, not against ours.
 */
export async function brokenInvariants(stack: Stack): Promise<string[]> {
  const broken: string[] = [];
  for (const [name, sql] of Object.entries(INVARIANTS)) {
    const rows = await query(stack, sql);
    if (rows.length > 0) broken.push(`${name}: ${rows.length} rows, e.g. ${JSON.stringify(rows[0])}`);
  }
  if (stack.parts.includes('provider')) broken.push(...(await brokenMoney(stack)));
  return broken;
}

/**
 * Captured minus refunded is the price of a booking that stands, less what operators paid back of it, and nothing for every other
 * (G4).
 */
async function brokenMoney(stack: Stack): Promise<string[]> {
  const bookings = await query<{ id: string; status: string; price: string }>(
    stack,
    `select b.id, b.status,
            (b.price_amount - coalesce((select sum(r.amount) from payment.refunds r
                                          join payment.payments p on p.id = r.payment_id
                                         where p.booking_id = b.id
                                           and r.origin = 'operator'
                                           and r.status = 'SUCCEEDED'), 0))::text as price
       from booking.bookings b`,
  );
  const effects = await readEffects(stack.url('provider'));
  const broken: string[] = [];
  for (const { id, status, price } of bookings) {
    const own = effects.filter((effect) => effect.booking_id === id);
    const sum = (kind: string) =>
      own.filter((effect) => effect.kind === kind).reduce((total, { amount }) => total + (amount ?? 0), 0);
    const count = (kind: string) => own.filter((effect) => effect.kind === kind).length;
    const due = ['PAID', 'CONFIRMED', 'CHECKED_IN', 'COMPLETED'].includes(status) ? Number(price) : 0;
    const kept = sum('captured') - sum('refunded');
    if (count('captured') > 1) broken.push(`${id}: captured ${count('captured')} times`);
    if (count('intent_created') > 1) broken.push(`${id}: ${count('intent_created')} intents at the provider`);
    if (kept !== due) broken.push(`${id} is ${status}: the provider keeps ${kept} instead of ${due}`);
    const given = ['EXPIRED', 'CANCELLED', 'FAILED'].includes(status);
    if (given && count('authorised') > 0 && count('captured') === 0 && count('cancelled') === 0) {
      broken.push(`${id} is ${status}: its authorisation was not voided`);
    }
  }
  return broken;
}
