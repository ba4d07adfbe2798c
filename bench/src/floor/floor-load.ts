import pg from 'pg';
import { serveLoad } from '../load/child.ts';
import { SampleTaker, type Sample } from '../load/sample.ts';
import { holdMaker, type FloorHold } from './floor-hold.ts';
import { ONE_CALL, SEVEN_STATEMENTS } from './floor-sql.ts';

export interface FloorLoadJob {
  readonly url: string;
  readonly yardstick: 'A' | 'B';
  readonly connections: number;
  readonly rampSeconds: number;
  readonly seconds: number;
  readonly events: readonly string[];
  readonly users: readonly string[];
  readonly run: string;
  readonly pids: Readonly<Record<string, number>>;
}

type OneHold = (client: pg.Client, hold: FloorHold) => Promise<void>;

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
  const oneHold = job.yardstick === 'A' ? sevenStatements : oneCall;
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
        await oneHold(client, makeHold(n++));
        taker.add('held', startedAt, performance.now());
      }
    }),
  );
  await Promise.all(clients.map((client) => client.end()));
  return taker.take();
}

serveLoad(run);
