import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { InboxConsumer } from '@holdfast/shared/inbox/consumer';
import { handleInTurn } from '@holdfast/shared/inbox/handle-in-turn';
import { appendToOutbox, type OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import { Relay } from '@holdfast/shared/outbox/relay';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import pg from 'pg';
import { serveLoad } from './child.ts';
import { SampleTaker, toSample, type Sample } from './sample.ts';

export interface RelayLoadJob {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** Events committed a second, each in a transaction of its own, whether those before have arrived or not. */
  readonly perSecond: number;
  readonly rampSeconds: number;
  readonly seconds: number;
  /** Events of the backlog. */
  readonly backlog: number;
  /** Events that were published and taken long ago, which both tables are filled with first. */
  readonly past: number;
  readonly pids: Readonly<Record<string, number>>;
}

export interface RelaySamples {
  /** From the commit to the broker's acknowledgement. */
  readonly publish: Sample;
  /** From the commit to the commit of the effect at the consumer. */
  readonly effect: Sample;
  /** The backlog: from the start of the relay to the acknowledgement of each event. */
  readonly drain: Sample;
  /** A look into the outbox that finds nothing. */
  readonly poll: Sample;
}

const POOL = 10;
const CHUNK = 1_000;
const PAST_CHUNK = 250_000;
const PAST = 'past_';
const LOOKS = 1_000;
/** A message of a few hundred bytes, as those of a booking are. */
const DATA = { reference: 'BK20261127-BENCHX', title: 'Concert', venue: 'Arena', note: 'x'.repeat(300) };

/** One process that commits, publishes and consumes with the classes of the services, so that one clock times all of it. */
async function run(job: RelayLoadJob): Promise<RelaySamples> {
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const pool = createPool({
    ...{ connectionString: job.databaseUrl, schema: 'notification', max: POOL },
    ...{ applicationName: 'bench-relay', logger },
  });
  const bus = await connectBus({ url: job.natsUrl, name: 'bench-relay', logger });
  if (job.past > 0) await fill(job);
  const poll = await ofNothing(pool, bus, logger);
  const { publish, effect } = await atRate(job, pool, bus, logger);
  const drain = await ofBacklog(job, pool, bus, logger);
  await bus.close();
  await pool.end();
  return { publish, effect, drain, poll };
}

async function atRate(
  job: RelayLoadJob,
  pool: Pool,
  bus: Bus,
  logger: Logger,
): Promise<Pick<RelaySamples, 'publish' | 'effect'>> {
  const committedAt = new Map<string, number>();
  /** An event can be published before its commit has answered here: that is the relay at its best, and no wait at all. */
  const since = (key: string, now: number) => Math.min(committedAt.get(key) ?? now, now);
  const isArrived = (outcome: string) => outcome === 'arrived';
  const publish = new SampleTaker(isArrived, job.pids);
  const effect = new SampleTaker(isArrived, job.pids);
  const acknowledged = (key: string) => {
    const now = performance.now();
    publish.add('arrived', since(key, now), now);
  };
  const relay = new Relay({ pool, bus: telling(bus, acknowledged), logger, service: 'bench' });
  let arrived = 0;
  const handle = (_tx: unknown, { orderingKey }: { orderingKey: string }) =>
    Promise.resolve(() => {
      const now = performance.now();
      effect.add('arrived', since(orderingKey, now), now);
      committedAt.delete(orderingKey);
      arrived += 1;
    });
  const consumer = new InboxConsumer({
    ...{ name: 'notification-booking', service: 'notification', bus, pool, logger },
    ...{ handle, handleTogether: handleInTurn(handle) },
  });
  await consumer.start();
  relay.start();

  const to = publish.open(job.rampSeconds, job.seconds);
  effect.open(job.rampSeconds, job.seconds);
  const startedAt = performance.now();
  const commits: Promise<void>[] = [];
  for (let n = 0; ; n += 1) {
    const due = startedAt + (n * 1000) / job.perSecond;
    if (due >= to) break;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const event = anEvent('booking');
    commits.push(
      withTransaction(pool, (tx) => appendToOutbox(tx, '/bench', [event])).then(() => {
        committedAt.set(event.orderingKey, performance.now());
        relay.nudge();
      }),
    );
  }
  await Promise.all(commits);
  const deadline = Date.now() + 10_000;
  while (arrived < commits.length && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  if (arrived !== commits.length) throw new Error(`${commits.length} events were committed, ${arrived} took effect`);
  const samples = { publish: await publish.take(), effect: await effect.take() };
  await consumer.stop();
  await relay.stop();
  return samples;
}

/** What was committed while no relay ran; of a family that nobody consumes, so that the relay is what is measured. */
async function ofBacklog(job: RelayLoadJob, pool: Pool, bus: Bus, logger: Logger): Promise<Sample> {
  for (let made = 0; made < job.backlog; made += CHUNK) {
    const events = Array.from({ length: Math.min(CHUNK, job.backlog - made) }, () => anEvent('hold'));
    await withTransaction(pool, (tx) => appendToOutbox(tx, '/bench', events));
  }
  const startedAt = performance.now();
  const latencies: number[] = [];
  const relay = new Relay({
    ...{ pool, logger, service: 'bench' },
    bus: telling(bus, () => latencies.push(performance.now() - startedAt)),
  });
  let published = 0;
  for (let more = true; more;) {
    const round = await relay.runOnce();
    published += round.published;
    more = round.more;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await relay.stop();
  if (published < job.backlog) throw new Error(`${published} of a backlog of ${job.backlog} were published`);
  return toSample(latencies, { seconds, outcomes: { arrived: published }, cpuUs: {}, othersShare: null });
}

/** Fills the tables in steps that tell how far they are. The rows are of the size of real ones, but for their payload. */
async function fill(job: RelayLoadJob): Promise<void> {
  const client = new pg.Client({ connectionString: job.databaseUrl, options: '-c search_path=notification' });
  await client.connect();
  for (let made = 0; made < job.past; made += PAST_CHUNK) {
    const values = [made, Math.min(PAST_CHUNK, job.past - made), PAST];
    await client.query(
      `insert into outbox (id, subject, ordering_key, family, seq, payload, created_at, available_at, published_at, stream_seq,
                           stream_epoch, confirmed_at)
       select $3 || n, 'booking.hold.00.held', $3 || n, 'hold', 1, repeat('x', 100), at, at, at, n, 1, at
         from (select $1::bigint + g as n, clock.app_now() - interval '1 hour' as at from generate_series(1, $2::int) g) past`,
      values,
    );
    await client.query(
      `insert into inbox (consumer, event_id, received_at)
       select 'notification-booking', $3 || ($1::bigint + g), clock.app_now() - interval '1 hour' from generate_series(1, $2::int) g`,
      values,
    );
    process.stderr.write(`${Math.min(made + PAST_CHUNK, job.past)} of ${job.past} past events\n`);
  }
  await client.query('analyze outbox');
  await client.query('analyze inbox');
  await client.end();
}

async function ofNothing(pool: Pool, bus: Bus, logger: Logger): Promise<Sample> {
  const relay = new Relay({ pool, bus, logger, service: 'bench' });
  const latencies: number[] = [];
  const startedAt = performance.now();
  for (let look = 0; look < LOOKS; look++) {
    const from = performance.now();
    const { published } = await relay.runOnce();
    if (published === 0) latencies.push(performance.now() - from);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await relay.stop();
  return toSample(latencies, { seconds, outcomes: { arrived: latencies.length }, cpuUs: {}, othersShare: null });
}

function anEvent(family: 'hold' | 'booking'): OutgoingEvent {
  return {
    ...{ family, name: family === 'hold' ? 'held' : 'confirmed', orderingKey: newId('bkg'), seq: 1 },
    ...{ data: DATA, cause: newId('req'), at: new Date() },
  };
}

/** The bus with somebody who is told of each acknowledgement, by the ordering key of what was acknowledged. */
function telling(bus: Bus, acknowledged: (orderingKey: string) => void): Bus {
  return new Proxy(bus, {
    get(target, property) {
      if (property === 'publish') {
        return async (subject: string, payload: string, options: Parameters<Bus['publish']>[2]) => {
          const ack = await target.publish(subject, payload, options);
          acknowledged(/"subject":"([^"]+)"/.exec(payload)![1]!);
          return ack;
        };
      }
      const value: unknown = Reflect.get(target, property);
      // Methods with private fields work on the bus itself only.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

serveLoad(run);
