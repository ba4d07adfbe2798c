import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '@holdfast/shared/testing/free-port';

/** Stands between a service and a server, so that a test can take the server away without ending it for everybody. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Swallows bytes in both directions and accepts connections that get no answer: a server that hangs. */
  freeze(): void;
  /** Lets connections through again; those that were frozen are broken. */
  heal(): void;
  stop(): void;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: 'pass' | 'cut' | 'frozen' = 'pass';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const breakAll = () => {
    for (const socket of [...sockets]) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    keep(client);
    if (mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target);
    keep(upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (bytes) => {
        if (mode === 'pass') to.write(bytes);
      });
      from.on('close', () => to.destroy());
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    cut() {
      mode = 'cut';
      breakAll();
    },
    freeze() {
      mode = 'frozen';
    },
    heal() {
      if (mode === 'frozen') breakAll();
      mode = 'pass';
    },
    stop() {
      server.close();
      breakAll();
    },
  };
}
