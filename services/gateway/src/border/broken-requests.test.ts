import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApp, listen, type RunningServer } from '@holdfast/shared/http/app';
import { exchange } from '../testing/exchange.ts';
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

test.each([
  ['a line that is no request', 'what is this\r\n\r\n', 400],
  [
    'both kinds of length',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    400,
  ],
  [
    'both kinds, the other way round',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 400],
  ['a length that is none', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc', 400],
  ['a coding that is not chunked', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 400],
  [
    'a coding after chunked',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a coding before chunked', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n', 400],
  ['a space before the colon', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n', 400],
  [
    'a header that goes on in the next line',
    'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n',
    400,
  ],
  ['lines that end in LF alone', 'GET / HTTP/1.1\nHost: x\n\n', 400],
  ['one such line among others', 'POST / HTTP/1.1\r\nHost: x\r\nX: y\nContent-Length: 3\r\n\r\nabc', 400],
  ['a bare CR in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n', 400],
  ['NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n', 400],
  [
    'a chunk size that is none',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
    400,
  ],
  [
    'a chunk that ends in LF',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n',
    400,
  ],
  ['a protocol that is not ours', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
])('%s is a problem with a Request-Id, and ends the connection', async (_, text, status) => {
  const answer = await exchange(running.port, text);
  const [head, body] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/\r\nRequest-Id: req_[0-9a-z]{26}\r\n/);
  expect(head).toContain('application/problem+json');
  expect(JSON.parse(body!)).toMatchObject({ status, code: 'malformed_request' });
});
