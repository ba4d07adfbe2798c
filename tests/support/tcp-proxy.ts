import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '@holdfast/shared/testing/free-port';

/** Stands between a service and a server, so that a test can take the server away without ending it for everybody. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Swallows bytes in both directions and accepts connections that get no answer: a server that hangs. */
  freeze(): void;
  /** Swallows bytes in one direction alone: what is asked arrives and its answer does not, or the other way round. */
  swallow(direction: Direction): void;
  /** Passes bytes on `ms` later, give or take `jitterMs`, in their order. */
  delay(ms: number, jitterMs: number): void;
  /** Lets connections through again; those that lost bytes are broken. */
  heal(): void;
  stop(): void;
}

export type Direction = 'to_server' | 'to_client';

type Mode =
  | { readonly is: 'pass' | 'cut' }
  | { readonly is: 'swallowing'; readonly directions: readonly Direction[] }
  | { readonly is: 'slow'; readonly ms: number; readonly jitterMs: number };

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: Mode = { is: 'pass' };
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const breakAll = () => {
    for (const socket of [...sockets]) socket.resetAndDestroy();
  };
  const pipe = (from: Socket, to: Socket, direction: Direction) => {
    let lastAt = 0;
    // One after the other: timers of about the same time may fire in another order than they were set.
    const onTheirWay: Buffer[] = [];
    from.on('data', (bytes: Buffer) => {
      if (mode.is === 'cut') return;
      if (mode.is === 'swallowing' && mode.directions.includes(direction)) return;
      const now = performance.now();
      const wait = mode.is === 'slow' ? mode.ms + (Math.random() * 2 - 1) * mode.jitterMs : 0;
      lastAt = Math.max(lastAt, now + wait);
      // Bytes that are still on their way must not be overtaken by those that come after the delay.
      if (lastAt <= now && onTheirWay.length === 0) to.write(bytes);
      else {
        onTheirWay.push(bytes);
        setTimeout(() => {
          const next = onTheirWay.shift();
          if (next && !to.destroyed) to.write(next);
        }, lastAt - now);
      }
    });
    from.on('close', () => setTimeout(() => to.destroy(), Math.max(0, lastAt - performance.now())));
  };
  const server = createServer((client) => {
    keep(client);
    if (mode.is === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target);
    keep(upstream);
    pipe(client, upstream, 'to_server');
    pipe(upstream, client, 'to_client');
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    cut() {
      mode = { is: 'cut' };
      breakAll();
    },
    freeze() {
      mode = { is: 'swallowing', directions: ['to_server', 'to_client'] };
    },
    swallow(direction) {
      mode = { is: 'swallowing', directions: [direction] };
    },
    delay(ms, jitterMs) {
      mode = { is: 'slow', ms, jitterMs };
    },
    heal() {
      if (mode.is === 'swallowing') breakAll();
      mode = { is: 'pass' };
    },
    stop() {
      server.close();
      breakAll();
    },
  };
}
