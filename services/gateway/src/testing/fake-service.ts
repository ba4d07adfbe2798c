import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** What a fake service does with a request: an answer, nothing at all, or a cut connection. */
export type Behaviour = (request: SeenRequest) => Reaction | Promise<Reaction>;
type Reaction = FakeAnswer | 'silence' | 'reset';

export interface FakeService {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
}

/** A service behind the gateway that does what the test says and keeps what it was sent. */
export async function startFakeService(port = 0): Promise<FakeService> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let behaviour: Behaviour = () => ({});
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const request = { method: req.method!, url: req.url!, headers: req.headers, body: Buffer.concat(chunks) };
      seen.push(request);
      void Promise.resolve(behaviour(request)).then((answer) => react(req, res, answer));
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    seen,
    behave: (next) => {
      behaviour = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function react(req: http.IncomingMessage, res: http.ServerResponse, answer: Reaction): void {
  if (answer === 'silence') return;
  if (answer === 'reset') {
    req.socket.resetAndDestroy();
    return;
  }
  const body = answer.body ?? '{}';
  res.writeHead(answer.status ?? 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...answer.headers,
  });
  res.end(body);
}
