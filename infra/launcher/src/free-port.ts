import { createServer } from 'node:net';

/** Whether a TCP server can listen on this port of 127.0.0.1 now. Port 0 is always free. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that the operating system says is free. There is a small race until it is used: the caller retries its start. */
export function anyFreePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export interface PortWish {
  /** Shown in the error, e.g. `the gateway`. */
  readonly owner: string;
  /** Environment variable to name in the error. */
  readonly variable?: string;
  /** What the user asked for: 0 any free one, undefined the usual one or, when it is taken, any free one. */
  readonly asked?: number | undefined;
  readonly usual: number;
  /** The port this process had at the last start: kept when it is free, so that addresses stay the same. */
  readonly previous?: number | undefined;
}

export type PortTools = { isFree: (port: number) => Promise<boolean>; any: () => Promise<number> };

/** Thrown when a port that was asked for by number is taken. */
export class PortTakenError extends Error {
  constructor(wish: PortWish, port: number) {
    const variable = wish.variable ?? 'the port setting';
    super(
      `port ${port} for ${wish.owner} is taken by another program. Set ${variable} to a free port, or to 0 for any free one, or stop that program (ss -ltnp 'sport = :${port}' shows it).`,
    );
    this.name = 'PortTakenError';
  }
}

/**
 * Chooses a port and marks it in `reserved`, so that two processes of one start do not get the same.
 * @throws PortTakenError when the user asked for a port by number and it is taken.
 */
export async function choosePort(
  wish: PortWish,
  reserved: Set<number>,
  tools: PortTools = { isFree: isPortFree, any: anyFreePort },
): Promise<number> {
  const usable = async (port: number) => !reserved.has(port) && (await tools.isFree(port));
  const take = (port: number) => {
    reserved.add(port);
    return port;
  };
  if (wish.asked !== undefined && wish.asked !== 0) {
    if (await usable(wish.asked)) return take(wish.asked);
    throw new PortTakenError(wish, wish.asked);
  }
  const wanted = wish.asked === 0 ? [wish.previous] : [wish.previous, wish.usual];
  for (const port of wanted) if (port !== undefined && (await usable(port))) return take(port);
  for (;;) {
    const port = await tools.any();
    if (!reserved.has(port)) return take(port);
  }
}
