import type { Invariant } from '@holdfast/shared/integrity/invariant';

/** What must be so in the tables of this service; a row of an answer is a violation. */
export const PAYMENT_INVARIANTS: readonly Invariant[] = [
  {
    name: 'ledger_says_payments',
    description: 'the ledger has what payments say',
    every: 'hour',
    sql: `  
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
  },
  {
    name: 'captured_once',
    description: 'at most one capture for a booking',
    every: 'hour',
    sql: `
      select p.booking_id, count(*) as captures from payment.ledger_entries l
        join payment.payments p on p.id = l.payment_id
       where l.kind = 'capture'
       group by p.booking_id having count(*) > 1`,
  },
  {
    name: 'refunds_within_capture',
    description: 'no more goes back than was captured, and what went back is the sum of its refunds',
    every: 'hour',
    sql: `
      select p.id, p.captured_amount, p.refunded_amount, coalesce(r.settled, 0) as settled from payment.payments p
        left join (select payment_id, sum(amount) filter (where status = 'SUCCEEDED') as settled
                     from payment.refunds group by payment_id) r on r.payment_id = p.id
       where p.refunded_amount <> coalesce(r.settled, 0) or coalesce(r.settled, 0) > p.captured_amount`,
  },
  {
    name: 'refund_once_at_provider',
    description: 'one refund at the provider is one refund here',
    every: 'hour',
    sql: `
      select provider_reference, count(*) as refunds from payment.refunds
       where provider_reference is not null
       group by provider_reference having count(*) > 1`,
  },
  {
    name: 'callbacks_applied',
    description: 'no callback waits for more than 10 minutes to be applied',
    every: 'minute',
    sql: `
      select event_id, received_at from payment.provider_events
       where state = 'RECEIVED' and received_at <= clock.app_now() - interval '10 minutes'`,
  },
];
