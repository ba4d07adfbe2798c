import type { Server, ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Express } from 'express';

/** Clients that send again within this time learn that the connection ends, instead of finding it ended under their request. */
const GRACE_MS = 250;
/** After that, running requests have this long. */
const FINISH_MS = 5_000;
const LOOK_MS = 10;

const draining = new WeakSet<Express>();

/** Whether an application is on its way out: it answers, and says that it is not ready. */
export function isDraining(app: Express): boolean {
  return draining.has(app);
}

/**
 * Prepares a server for an end that breaks no request. `drain()` first says `Connection: close` in every answer while connections are
 * still accepted, so that clients with kept-alive connections move on by themselves; then it stops accepting, lets running requests
 * finish for at most 5 s, and closes the rest. Closing kept-alive connections at once would break the requests that are on their way
 * on them.
 */
export function prepareDrain(server: Server, app: Express): { drain(): Promise<void> } {
  const running = new Set<ServerResponse>();
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
  });
  // Before the application, which answers at once.
  server.prependListener('request', (_req, res) => {
    if (draining.has(app)) res.setHeader('Connection', 'close');
    running.add(res);
    res.once('close', () => running.delete(res));
  });

  return {
    async drain() {
      draining.add(app);
      for (const res of running) if (!res.headersSent) res.setHeader('Connection', 'close');
      const graceEnds = performance.now() + GRACE_MS;
      while (connections > 0 && performance.now() < graceEnds) await setTimeout(LOOK_MS);
      // Right after the turn in which waiting connections were accepted: those that wait when a listener closes are reset.
      await setImmediate();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      const limit = globalThis.setTimeout(() => server.closeAllConnections(), FINISH_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(limit);
    },
  };
}
