import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { HttpClient } from './http-client.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server that answers its connections as the test says. */
async function setup(onRequest: (socket: Socket) => void): Promise<{ client: HttpClient; connections: () => number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('data', () => onRequest(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new HttpClient((server.address() as AddressInfo).port);
  stops.push(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { client, connections: () => connections };
}

const send = (client: HttpClient) => new Promise<string>((resolve) => client.send('GET / HTTP/1.1\r\n\r\n', resolve));

describe('the client of the load generator', () => {
  test('tells the status and keeps its connection', async () => {
    const { client, connections } = await setup((socket) =>
      socket.write('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}'),
    );
    expect([await send(client), await send(client)]).toEqual(['201', '201']);
    expect(connections()).toBe(1);
  });

  test('waits for the whole answer, in whatever pieces it comes', async () => {
    let server: Socket | undefined;
    const { client } = await setup((socket) => (server = socket));
    let outcome = 'none yet';
    const done = send(client).then((status) => (outcome = status));
    await until('the request', () => server !== undefined);
    for (const piece of ['HTTP/1.1 40', '9 Conflict\r\ncontent-le', 'ngth: 4\r\n\r', '\nab']) {
      const before = client.received;
      server!.write(piece);
      await until('the piece', () => client.received > before);
      expect(outcome).toBe('none yet');
    }
    server!.write('cd');
    expect(await done).toBe('409');
  });

  test('tells that a connection broke, and makes a new one', async () => {
    let requests = 0;
    const { client, connections } = await setup((socket) => {
      requests += 1;
      if (requests === 1) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    expect(await send(client)).toMatch(/closed|ECONNRESET/);
    expect(await send(client)).toBe('200');
    expect(connections()).toBe(2);
  });
});
