import { z } from 'zod';
import { instant } from './common.ts';

const count = z.number().int();
const age = z.number().nullable().meta({ description: 'seconds since oldest_at' });

const outboxFamily = z.object({ family: z.string(), depth: count, oldest_at: instant });

/** What a service has decided to send. */
export const outboxState = z
  .object({
    service: z.string(),
    depth: count.meta({ description: 'messages that are due and not published' }),
    oldest_at: instant.nullable().meta({ description: 'since when the oldest of them is due' }),
    oldest_age_seconds: age,
    scheduled: count.meta({ description: 'messages for later' }),
    unconfirmed: count.meta({ description: 'published ones that some consumer is not known to have' }),
    oldest_unconfirmed_at: instant.nullable(),
    families: z.array(outboxFamily).meta({ description: 'of depth, the longest first' }),
    relay: z
      .object({ holder: z.string().nullable(), epoch: count, expires_at: instant.nullable() })
      .meta({ description: 'the process that publishes; a lease that has run out means that none does' }),
  })
  .meta({ id: 'OutboxState' });
export type OutboxStateJson = z.input<typeof outboxState>;

const broker = z
  .object({
    lag: count.meta({ description: 'messages that are not acknowledged: pending and in flight' }),
    pending: count.meta({ description: 'messages that were not handed out yet' }),
    in_flight: count.meta({ description: 'messages that were handed out and not acknowledged' }),
    redelivered: count.meta({ description: 'of those in flight, how many were handed out before' }),
    oldest_at: instant
      .nullable()
      .meta({ description: 'when the oldest message that is not acknowledged was published' }),
    oldest_age_seconds: age,
    delivered_seq: count,
    acknowledged_seq: count,
    stream_seq: count,
  })
  .meta({ id: 'ConsumerAtBroker' });

/** How far a consumer has come: by the broker, and by the tables of its service. */
export const consumerState = z
  .object({
    service: z.string(),
    consumer: z.string(),
    stream: z.string(),
    family: z.string(),
    broker: broker.nullable().meta({ description: 'null when the broker does not answer' }),
    parked: count.meta({ description: 'messages that came before one that they must follow' }),
    oldest_parked_at: instant.nullable(),
    failing: count.meta({ description: 'messages whose last attempt failed and that will be tried again' }),
    dead_letters: count.meta({ description: 'open ones' }),
    last_effect_at: instant
      .nullable()
      .meta({ description: 'when an event last took effect; null for more than an hour ago' }),
  })
  .meta({ id: 'ConsumerState' });
export type ConsumerStateJson = z.input<typeof consumerState>;

/** What one service answers. */
export const serviceConsumers = z.object({ consumers: z.array(consumerState) });

const gathered = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal('list'),
    data: z.array(item),
    has_more: z.literal(false),
    next_cursor: z.null(),
    unreachable: z.array(z.string()).meta({ description: 'services that did not answer: theirs is not known' }),
    as_of: instant,
  });
export const outboxList = gathered(outboxState).meta({ id: 'OutboxStateList' });
export type OutboxListJson = z.input<typeof outboxList>;
export const consumerList = gathered(consumerState).meta({ id: 'ConsumerStateList' });
export type ConsumerListJson = z.input<typeof consumerList>;
