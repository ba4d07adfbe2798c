import net from 'node:net';

export interface TcpLink {
  readonly port: number;
  /** `refuse`: connections are cut and new ones refused. `silent`: they stay open and nothing passes. */
  set(mode: 'pass' | 'refuse' | 'silent'): Promise<void>;
  stop(): Promise<void>;
}

/** A TCP hop before a server that the test can cut or make silent, as a network does. */
export async function startTcpLink(target: { host: string; port: number }): Promise<TcpLink> {
  const sockets = new Set<net.Socket>();
  let silent = false;
  const server = net.createServer((client) => {
    const upstream = net.connect(target.port, target.host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!silent) to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    async set(mode) {
      silent = mode === 'silent';
      if (mode === 'refuse' && server.listening) await cut();
      if (mode !== 'refuse' && !server.listening) await listen(port);
    },
    stop: cut,
  };
}
