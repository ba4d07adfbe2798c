import pg from 'pg';
import { serveLoad } from '../load/child.ts';
import { SampleTaker, type Sample } from '../load/sample.ts';
import { holdMaker, type FloorHold } from './floor-hold.ts';
import { ONE_CALL, SEVEN_STATEMENTS, SLOT_STATEMENTS } from './floor-sql.ts';
import { firstDay, slotOf } from '../benches/slots.ts';

export interface FloorLoadJob {
  readonly url: string;
  /** `A-slots` takes `events` for resources. */
  readonly yardstick: 'A' | 'B' | 'A-slots';
  readonly connections: number;
  readonly rampSeconds: number;
  readonly seconds: number;
  readonly events: readonly string[];
  readonly users: readonly string[];
  readonly run: string;
  readonly pids: Readonly<Record<string, number>>;
}

type OneHold = (client: pg.Client, hold: FloorHold, n: number) => Promise<void>;

const sevenStatements: OneHold = async (client, h) => {
  const run = (name: keyof typeof SEVEN_STATEMENTS, values: unknown[]) =>
    client.query({ name, text: SEVEN_STATEMENTS[name], values });
  await run('begin', []);
  await run('key', [h.user, h.key, h.fingerprint, h.headers, h.body, h.at]);
  const claim = await run('claim', [h.event, h.seat, h.booking, h.at]);
  if (claim.rowCount !== 1) throw new Error(`seat ${h.seat} is taken`);
  await run('booking', [
    ...[h.booking, h.reference, h.user, h.event, h.seat, h.starts, h.ends, h.lines, h.email, h.expires, h.at],
  ]);
  await run('history', [h.booking, h.user, h.cause, h.at]);
  await run('outbox', [h.message, h.booking, h.payload, h.trace, h.at]);
  await run('commit', []);
};

/** The same seven for a slot: the claim is a range that may not overlap, and the times are its own. */
const sevenForSlots = (resources: readonly string[]): OneHold => {
  const firstDayMs = firstDay();
  return async (client, h, n) => {
    const run = (name: keyof typeof SLOT_STATEMENTS, values: unknown[]) =>
      client.query({ name, text: SLOT_STATEMENTS[name], values });
    const { court, startsAt, endsAt } = slotOf(n, firstDayMs);
    const resource = resources[court]!;
    await run('begin', []);
    await run('key', [h.user, h.key, h.fingerprint, h.headers, h.body, h.at]);
    const claim = await run('claim', [resource, startsAt, endsAt, h.booking, h.at]);
    if (claim.rowCount !== 1) throw new Error(`the slot at ${startsAt} is taken`);
    await run('booking', [
      ...[h.booking, h.reference, h.user, resource, startsAt, endsAt, h.lines, h.email, h.expires, h.at],
    ]);
    await run('history', [h.booking, h.user, h.cause, h.at]);
    await run('outbox', [h.message, h.booking, h.payload, h.trace, h.at]);
    await run('commit', []);
  };
};

const oneCall: OneHold = async (client, h) => {
  const values = [
    ...[h.user, h.key, h.fingerprint, h.headers, h.body, h.event, h.seat, h.booking, h.reference, h.starts, h.ends],
    ...[h.lines, h.email, h.expires, h.at, h.cause, h.message, h.payload, h.trace],
  ];
  const { rows } = await client.query<{ held: boolean }>({ name: 'hold', text: ONE_CALL, values });
  if (rows[0]?.held !== true) throw new Error(`seat ${h.seat} is taken`);
};

/** A closed loop on each connection, as bare as the client allows: no pool, no queue, named statements. */
async function run(job: FloorLoadJob): Promise<Sample> {
  const makeHold = holdMaker(job);
  const yardsticks = { A: sevenStatements, B: oneCall, 'A-slots': sevenForSlots(job.events) };
  const oneHold = yardsticks[job.yardstick];
  const clients = await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const client = new pg.Client({ connectionString: job.url, options: '-c search_path=bench' });
      await client.connect();
      return client;
    }),
  );
  const taker = new SampleTaker((outcome) => outcome === 'held', job.pids);
  const to = taker.open(job.rampSeconds, job.seconds);
  let n = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let startedAt = performance.now(); startedAt < to; startedAt = performance.now()) {
        const mine = n++;
        await oneHold(client, makeHold(mine), mine);
        taker.add('held', startedAt, performance.now());
      }
    }),
  );
  await Promise.all(clients.map((client) => client.end()));
  return taker.take();
}

serveLoad(run);
