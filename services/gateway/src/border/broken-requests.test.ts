import net from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApp, listen, type RunningServer } from '@holdfast/shared/http/app';
import { answerBrokenRequests } from './broken-requests.ts';

let running: RunningServer;
beforeAll(async () => {
  const app = createApp();
  app.get('/', (_req, res) => {
    res.send('fine');
  });
  running = await listen(app, { host: '127.0.0.1', port: 0 });
  answerBrokenRequests(running.server);
});
afterAll(() => running.stop());

/** Sends bytes and gives everything that comes back until the connection closes. */
function exchange(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(running.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test.each([
  ['a line that is no request', 'what is this\r\n\r\n', 400],
  [
    'both kinds of length',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    400,
  ],
  ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
])('%s is a problem with a Request-Id, and ends the connection', async (_, text, status) => {
  const answer = await exchange(text);
  const [head, body] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/\r\nRequest-Id: req_[0-9a-z]{26}\r\n/);
  expect(head).toContain('application/problem+json');
  expect(JSON.parse(body!)).toMatchObject({ status, code: 'malformed_request' });
});
