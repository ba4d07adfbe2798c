import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { newId } from '../ids.ts';
import { createLogger } from '../telemetry/logger.ts';
import { freePort, probePort } from '../testing/free-port.ts';
import { testEnvironment } from '../testing/test-environment.ts';
import { startTestProcess, type TestProcess } from '../testing/test-process.ts';
import { until } from '../testing/until.ts';
import { connectBus, type Bus } from './bus.ts';
import { STREAMS, subjectOf, type StreamName } from './topology.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const SERVERS = 3;
/** A new leader is chosen within seconds; the machine of the tests is busy. */
const ELECTION_MS = 60_000;

interface Member {
  readonly name: string;
  readonly url: string;
  process: TestProcess;
  start(): Promise<void>;
}

let dir: string;
let members: Member[];
let bus: Bus;
const received: string[] = [];
let subscription: { stop(): Promise<void> };

beforeAll(async () => {
  const environment = testEnvironment();
  const program = environment.HOLDFAST_TEST_NATS_SERVER;
  dir = mkdtempSync(join(environment.HOLDFAST_TEST_DIR, 'nats-cluster-'));
  const ports = await Promise.all(
    Array.from({ length: SERVERS }, async () => [await freePort(), await freePort()] as const),
  );
  const routes = ports.map(([, route]) => `"nats://127.0.0.1:${route}"`).join(', ');
  members = ports.map(([port, route], index) => {
    const name = `n${index + 1}`;
    const file = join(dir, `${name}.conf`);
    writeFileSync(
      file,
      [
        `server_name: ${name}`,
        'host: "127.0.0.1"',
        `port: ${port}`,
        `jetstream { store_dir: ${JSON.stringify(join(dir, name))} }`,
        `cluster { name: holdfast, listen: "127.0.0.1:${route}", routes: [${routes}] }`,
      ].join('\n'),
    );
    const start = async () => {
      member.process = startTestProcess({
        ...{ command: program.command, args: [...program.args, '-c', file], killSignal: program.killSignal },
        env: { ...process.env, ...program.env },
      });
      await until(`${name} to listen`, () => probePort(port).then(() => true));
    };
    const member = { name, url: `nats://127.0.0.1:${port}`, start } as Member;
    return member;
  });
  await Promise.all(members.map((member) => member.start()));
  bus = await connectBus({
    ...{ url: members.map(({ url }) => url).join(','), name: 'test', logger, replicas: SERVERS },
  });
  subscription = await bus.consume('notification-booking', (message) => {
    received.push(message.payload);
    message.ack();
  });
}, 120_000);
afterAll(async () => {
  await subscription?.stop();
  await bus?.close();
  await Promise.all(members?.map((member) => member.process.kill()) ?? []);
  rmSync(dir, { recursive: true, force: true });
});

/** Publishes as the relay does: again under the same id until it is acknowledged. */
async function publish(text: string): Promise<void> {
  const messageId = newId('msg');
  await until(
    `${text} to be acknowledged`,
    () => bus.publish(subjectOf('booking', 'a', 'confirmed'), text, { messageId }).then(() => true),
    ELECTION_MS,
  );
}

/** What the stream says of itself, asked at a member that runs. */
async function cluster(stream: StreamName) {
  const running = members.find(({ process: server }) => server.isRunning())!;
  const connection = await connect({ servers: running.url, timeout: 5_000 });
  try {
    const { config, cluster: state } = await (await jetstreamManager(connection)).streams.info(stream);
    return { replicas: config.num_replicas, leader: state?.leader ?? null };
  } finally {
    await connection.close();
  }
}

test('each stream is kept by three servers', async () => {
  for (const stream of Object.keys(STREAMS) as StreamName[]) {
    expect(await cluster(stream)).toMatchObject({ replicas: SERVERS, leader: expect.any(String) });
  }
});

test('the server that leads a stream is killed: publishing and consuming go on, and nothing acknowledged is lost', async () => {
  const sent: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    await publish(`before ${n}`);
    sent.push(`before ${n}`);
  }
  const { leader } = await cluster('BOOKING');
  const victim = members.find(({ name }) => name === leader)!;
  await victim.process.kill();
  for (let n = 0; n < 20; n += 1) {
    await publish(`without ${n}`);
    sent.push(`without ${n}`);
  }
  await until(
    'everything to arrive',
    () => Promise.resolve(sent.every((text) => received.includes(text))),
    ELECTION_MS,
  );
  expect((await cluster('BOOKING')).leader).not.toBe(leader);

  await victim.start();
  // The one after it is killed: what the first one missed it has again by now, or the stream would stand still.
  const second = members.find(({ name }) => name !== leader)!;
  await until(
    'the first one to have caught up',
    async () => {
      const connection = await connect({ servers: victim.url, timeout: 5_000 });
      try {
        const info = await (await jetstreamManager(connection)).streams.info('BOOKING');
        return info.cluster?.replicas?.every(({ current }) => current) === true;
      } finally {
        await connection.close();
      }
    },
    ELECTION_MS,
  );
  await second.process.kill();
  await publish('after');
  await until('the last one to arrive', () => Promise.resolve(received.includes('after')), ELECTION_MS);
  const { lastSeq } = await until('the stream to answer', () => bus.streamState('BOOKING'), ELECTION_MS);
  expect(lastSeq).toBe(sent.length + 1);
}, 300_000);
