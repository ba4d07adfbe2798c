import http from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createApp, listen, type RunningServer } from './app.ts';
import { mountHealth } from './health.ts';
import { createMetrics } from '../telemetry/metrics.ts';

let running: RunningServer;
const agents: http.Agent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await running.stop();
});

/** A server whose GET /slow answers when the test lets it. */
async function start() {
  const app = createApp();
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let arrived: () => void = () => undefined;
  const slowArrived = new Promise<void>((resolve) => (arrived = resolve));
  app.get('/', (_req, res) => {
    res.send('fine');
  });
  app.get('/slow', async (_req, res) => {
    arrived();
    await finished;
    res.send('slow but fine');
  });
  mountHealth(app, { service: 'test', checks: [], registry: createMetrics('test').registry });
  running = await listen(app, { host: '127.0.0.1', port: 0 });
  return { finish, slowArrived };
}

function keptAlive(): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

const get = (path: string, agent: http.Agent) =>
  new Promise<{ status: number; connection: string | undefined; text: string }>((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port: running.port, path, agent }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode!, connection: response.headers.connection, text }),
        );
      })
      .on('error', reject);
  });

describe('a server that stops', () => {
  test('finishes what runs, and says in the answer that the connection ends', async () => {
    const { finish, slowArrived } = await start();
    const slow = get('/slow', keptAlive());
    await slowArrived;
    const stopped = running.stop();
    finish();
    expect(await slow).toEqual({ status: 200, connection: 'close', text: 'slow but fine' });
    await stopped;
  });

  test('still answers on connections that are open, and tells them', async () => {
    const { finish, slowArrived } = await start();
    const [one, two] = [keptAlive(), keptAlive()];
    expect((await get('/', one)).connection).toBe('keep-alive');
    const slow = get('/slow', two);
    await slowArrived;
    const stopped = running.stop();
    expect(await get('/', one)).toMatchObject({ status: 200, connection: 'close' });
    expect(await get('/readyz', one)).toMatchObject({ status: 503, connection: 'close' });
    expect(await get('/livez', one)).toMatchObject({ status: 200 });
    finish();
    expect((await slow).status).toBe(200);
    await stopped;
    await expect(get('/', one)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('does not wait for anybody when nobody is connected', async () => {
    await start();
    const startedAt = performance.now();
    await running.stop();
    expect(performance.now() - startedAt).toBeLessThan(200);
  });

  test('waits for idle connections a moment only', async () => {
    await start();
    const idle = keptAlive();
    await get('/', idle);
    const startedAt = performance.now();
    await running.stop();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
