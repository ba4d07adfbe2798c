import { connect, type Socket } from 'node:net';

const EVERY_MS = 1_000;
const CONNECTS_AT_ONCE = 100;

/** Sockets that never finish their request. */
export interface SlowSockets {
  open(): number;
  /** How many the server closed; each is replaced. */
  cut(): number;
  stop(): void;
}

/** Opens `count` sockets, each of which sends one byte of its headers a second. Resolves when all are connected. */
export async function keepTrickling(port: number, count: number): Promise<SlowSockets> {
  const sockets = new Set<Socket>();
  let [cut, stopped] = [0, false];
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('GET /v1/venues HTTP/1.1\r\nHost: x\r\nX-Slow: ');
        sockets.add(socket);
        resolve();
      });
      // What the server says is read, so that it can close.
      socket.resume();
      socket.on('error', () => resolve());
      socket.on('close', () => {
        sockets.delete(socket);
        if (stopped) return;
        cut += 1;
        void open();
      });
    });
  for (let n = 0; n < count; n += CONNECTS_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(CONNECTS_AT_ONCE, count - n) }, open));
  }
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write('a');
  }, EVERY_MS);
  return {
    open: () => sockets.size,
    cut: () => cut,
    stop() {
      stopped = true;
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
