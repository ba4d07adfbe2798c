import type { Invariant } from '@holdfast/shared/integrity/invariant';
import { until } from '@holdfast/shared/testing/until';
import { BOOKING_INVARIANTS } from '../../services/booking/src/integrity/booking-invariants.ts';
import { PAYMENT_INVARIANTS } from '../../services/payment/src/integrity/payment-invariants.ts';
import { undescribedEvents } from './published-events.ts';
import { query } from './query.ts';
import type { Stack } from './stack.ts';
import { readEffects } from './witness.ts';

/** Each statement finds what must not be; an empty answer is a kept promise. */
const INVARIANTS: Readonly<Record<string, string>> = {
  // Those of the minute speak of business time, which tests move.
  ...byDescription(BOOKING_INVARIANTS),
  ...byDescription(PAYMENT_INVARIANTS),
  'a booking has one key that made it, or its series or its wait has': `
    select b.id, count(k.key) from booking.bookings b
      left join booking.idempotency_keys k
        on k.status = 201 and k.body::jsonb ->> 'id' = coalesce(b.series_id, b.waitlist_entry_id, b.id)
     group by b.id having count(k.key) <> 1`,
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

function byDescription(invariants: readonly Invariant[]): Record<string, string> {
  return Object.fromEntries(
    invariants.filter(({ every }) => every === 'hour').map(({ description, sql }) => [description, sql]),
  );
}

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
  'mails to send': `select id from notification.deliveries where state not in ('SENT', 'DEAD', 'DROPPED')`,
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
  broken.push(...(await undescribedEvents(stack)));
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
