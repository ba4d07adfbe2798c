import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Express } from 'express';

/** Clients that send again within this time learn that the connection ends, instead of finding it ended under their request. */
const GRACE_MS = 250;
/** After that, running requests have this long. */
const FINISH_MS = 5_000;
const LOOK_MS = 10;
/** A connection that was accepted last has this long to send its request. */
const FIRST_BYTES_MS = 100;
const QUIET_TURN_MS = 0.3;
const QUIET_TURNS = 1_000;

/**
 * Waits for a short turn of the event loop. Connections are accepted once a turn, and the kernel resets those that wait when the port
 * closes: after a short turn there is hardly one.
 */
async function quietTurn(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn += 1) {
    const startedAt = performance.now();
    await setImmediate();
    if (performance.now() - startedAt < QUIET_TURN_MS) return;
  }
}

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
      await quietTurn();
      // The close of net, not of http: that one also closes connections that were accepted and have not sent anything yet.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      await Promise.race([closed, setTimeout(FIRST_BYTES_MS)]);
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      const limit = globalThis.setTimeout(() => server.closeAllConnections(), FINISH_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(limit);
    },
  };
}
