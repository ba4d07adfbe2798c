import net from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApp, listen, problemHandler, type RunningServer } from '@holdfast/shared/http/app';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { trickle } from '../testing/exchange.ts';
import { answerBrokenRequests } from './broken-requests.ts';
import { readJson } from './read-body.ts';
import { requestIdOf } from './request-context.ts';

/** As in production, a hundred times faster. */
const LIMITS = { headersMs: 100, requestMs: 300, silenceMs: 700, checkEveryMs: 50 };
let running: RunningServer;
beforeAll(async () => {
  const app = createApp();
  app.post('/', async (req, res) => {
    res.json((await readJson(req))?.value ?? null);
  });
  app.get('/large', (_req, res) => {
    res.send('x'.repeat(20_000_000));
  });
  app.use(problemHandler(createLogger({ service: 'test', level: 'silent' }), requestIdOf));
  running = await listen(app, { host: '127.0.0.1', port: 0, limits: LIMITS });
  answerBrokenRequests(running.server);
});
afterAll(() => running.stop());

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

test.each([
  [
    'headers come byte by byte',
    () => trickle(running.port, 'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', HEAD),
    400,
  ],
  ['its body does', () => trickle(running.port, ' ', `${HEAD}Content-Length: 60000\r\n\r\n{`), 600],
  ['its chunks never end', () => trickle(running.port, '1\r\n \r\n', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`), 600],
])('a client is cut off with 408 when %s', async (_, send, withinMs) => {
  const { answer, ms } = await send();
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('application/problem+json');
  // Machines pause.
  expect(ms).toBeLessThan(withinMs + 1_000);
});

test('one that does not read its answer is cut off, too', async () => {
  const socket = net.connect(running.port, '127.0.0.1', () => socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n'));
  socket.pause();
  // A paused socket does not notice its end; the server does.
  const [accepted] = await new Promise<net.Socket[]>((resolve) =>
    running.server.once('connection', (one) => resolve([one])),
  );
  await new Promise((resolve) => accepted!.once('close', resolve));
  socket.destroy();
});

test('the limits of production are 10 s for headers and 30 s for a request, looked after every 5 s', async () => {
  const usual = await listen(createApp(), { host: '127.0.0.1', port: 0 });
  expect([usual.server.headersTimeout, usual.server.requestTimeout]).toEqual([10_000, 30_000]);
  expect(usual.server.maxHeadersCount === null || usual.server.maxHeadersCount! <= 2_000).toBe(true);
  await usual.stop();
});
