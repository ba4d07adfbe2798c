import type { Bus } from '../bus/bus.ts';
import { CONSUMERS, type ConsumerName } from '../bus/topology.ts';
import type { ConsumerStateJson } from '../contracts/delivery-state.ts';
import type { Queryable } from '../db/transaction.ts';
import { oldest } from './read-outbox.ts';

/** Consumers are named after the service that runs them. */
export function consumersIn(service: string): ConsumerName[] {
  return (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => name.startsWith(`${service}-`));
}

interface ConsumerRow {
  readonly parked: number;
  readonly oldest_parked_at: Date | null;
  readonly failing: number;
  readonly dead_letters: number;
  readonly last_effect_at: Date | null;
}

/** How far each consumer of this service has come. Without the broker its own tables still tell what they know. */
export function readConsumers(db: Queryable, bus: Bus | null, service: string): Promise<ConsumerStateJson[]> {
  return Promise.all(consumersIn(service).map((name) => readConsumer(db, bus, service, name)));
}

async function readConsumer(
  db: Queryable,
  bus: Bus | null,
  service: string,
  consumer: ConsumerName,
): Promise<ConsumerStateJson> {
  const [broker, row] = await Promise.all([
    bus === null ? null : atBroker(bus, consumer).catch(() => null),
    inTables(db, consumer),
  ]);
  return {
    service,
    consumer,
    ...CONSUMERS[consumer],
    broker,
    ...row,
    oldest_parked_at: row.oldest_parked_at?.toISOString() ?? null,
    last_effect_at: row.last_effect_at?.toISOString() ?? null,
  };
}

async function atBroker(bus: Bus, consumer: ConsumerName): Promise<ConsumerStateJson['broker']> {
  const [state, stream] = await Promise.all([bus.consumerState(consumer), bus.streamState(CONSUMERS[consumer].stream)]);
  const since = state.open === 0 ? null : await bus.oldestOpen(consumer, state.ackFloor);
  return {
    lag: state.open,
    pending: state.open - state.inFlight,
    in_flight: state.inFlight,
    redelivered: state.redelivered,
    // The broker's own clock made the time, so it is compared with a clock of its kind and not with business time.
    ...oldest(since, new Date()),
    delivered_seq: state.deliveredSeq,
    acknowledged_seq: state.ackFloor,
    stream_seq: stream.lastSeq,
  };
}

async function inTables(db: Queryable, consumer: ConsumerName): Promise<ConsumerRow> {
  const { rows } = await db.query<ConsumerRow>(
    `select parked.parked, parked.oldest_parked_at,
            (select count(*)::int
               from inbox_attempts
              where consumer = $1
                and not exists (select from inbox where inbox.consumer = $1 and inbox.event_id = inbox_attempts.event_id)
                and not exists (select from dead_letters letter
                                 where letter.consumer = $1 and letter.event_id = inbox_attempts.event_id)) as failing,
            (select count(*)::int from dead_letters where consumer = $1 and state = 'OPEN') as dead_letters,
            -- Looked for among the last hour's alone: that of a silent consumer would be behind all those of the others.
            (select received_at
               from inbox
              where consumer = $1 and received_at > clock.app_now() - interval '1 hour'
              order by received_at desc
              limit 1) as last_effect_at
       from (select count(*)::int as parked, min(parked_at) as oldest_parked_at
               from inbox_parked
              where consumer = $1) parked`,
    [consumer],
  );
  return rows[0]!;
}
