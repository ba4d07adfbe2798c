import type { Invariant } from './invariant.ts';

/** Of every service that has the messaging tables in `schema`. */
export function messagingInvariants(schema: string): readonly Invariant[] {
  return [
    {
      name: 'outbox_published',
      description: 'no message waits in the outbox for more than a minute',
      every: 'minute',
      sql: `
        select id, family, available_at from ${schema}.outbox
         where published_at is null and available_at <= clock.app_now() - interval '60 seconds'`,
    },
    {
      name: 'outbox_delivered',
      description: 'each published message is known to all its consumers within 10 minutes',
      every: 'minute',
      sql: `
        select id, family, published_at from ${schema}.outbox
         where published_at <= clock.app_now() - interval '10 minutes' and confirmed_at is null`,
    },
    {
      // Whatever was confirmed long ago may be pruned, and its neighbours with it.
      name: 'outbox_sequence',
      description: 'the messages of one key and family are numbered without holes',
      every: 'hour',
      sql: `
        select ordering_key, family, before as after_seq, seq as next_seq
          from (select ordering_key, family, seq, lag(seq) over counted as before,
                       lag(coalesce(confirmed_at, 'infinity')) over counted as kept
                  from ${schema}.outbox
                window counted as (partition by ordering_key, family order by seq)) o
         where seq - before <> 1 and kept > clock.app_now() - interval '29 days'`,
    },
    {
      name: 'inbox_parked_waits',
      description: 'what is parked waits for a message before it, and not for nothing',
      every: 'minute',
      sql: `
        select p.consumer, p.ordering_key, p.family, p.seq, coalesce(i.last_seq, 0) as last_seq
          from ${schema}.inbox_parked p
          left join ${schema}.inbox_positions i using (consumer, ordering_key, family)
         where p.seq <= coalesce(i.last_seq, 0)`,
    },
  ];
}
