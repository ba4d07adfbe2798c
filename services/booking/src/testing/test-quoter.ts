import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { QUOTE_ANSWER, QUOTE_REQUEST, quoteRequest, type QuoteRequest } from '@holdfast/shared/contracts/quotes';
import { SIGNATURE_HEADER, signBody, verifyBody, type SigningKey } from '@holdfast/shared/http/body-signature';
import { createQuoter, type Quoter, type QuoterOptions } from '../quotes/quoter.ts';

export const CURRENT: SigningKey = { id: 'k2', secret: 'the current secret of the tests' };
export const PREVIOUS: SigningKey = { id: 'k1', secret: 'the previous secret of the tests' };

/** What the quoter does with a question: an answer that it signs, something sent as it is, nothing at all, or a cut connection. */
export type QuoterBehaviour = (
  request: QuoteRequest,
  raw: { readonly body: string; readonly signature: string | undefined },
) => Sent | Promise<Sent>;
type Sent = object | RawAnswer | 'silence' | 'reset' | 'trickle';

export class RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export interface TestQuoter {
  readonly url: string;
  /** The questions that came with a genuine signature. */
  readonly asked: QuoteRequest[];
  readonly quoter: Quoter;
  behave(behaviour: QuoterBehaviour): void;
  stop(): Promise<void>;
}

/** A good answer: each place costs `unitAmount`, for ten minutes from when it was asked. */
export function priced(request: QuoteRequest, unitAmount: number, more: object = {}): object {
  return {
    nonce: request.nonce,
    event_id: request.event.id,
    valid: true,
    quote_id: `q-${request.nonce}`,
    currency: request.currency,
    places: request.places.map(({ category, quantity, seats }) => {
      return { category, quantity, seats, unit_amount: unitAmount };
    }),
    expires_at: new Date(Date.parse(request.asked_at) + 600_000).toISOString(),
    ...more,
  };
}

export function signed(body: string, key: SigningKey = CURRENT): RawAnswer {
  return new RawAnswer(200, body, { [SIGNATURE_HEADER]: signBody(key, QUOTE_ANSWER, body) });
}

/** A pricing service over HTTP that does what the test says, and booking's client of it. */
export async function startTestQuoter(options: Partial<QuoterOptions> = {}): Promise<TestQuoter> {
  const asked: QuoteRequest[] = [];
  const sockets = new Set<Socket>();
  let behaviour: QuoterBehaviour = (request) => priced(request, 5_200);
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const header = req.headers[SIGNATURE_HEADER];
      const signature = typeof header === 'string' ? header : undefined;
      if (!verifyBody([CURRENT, PREVIOUS], QUOTE_REQUEST, body, signature)) {
        res.writeHead(401).end();
        return;
      }
      const request = quoteRequest.parse(JSON.parse(body));
      asked.push(request);
      void Promise.resolve(behaviour(request, { body, signature })).then((sent) => send(res, sent));
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/quotes`;
  const quoter = createQuoter({
    url,
    keys: () => [CURRENT, PREVIOUS],
    breakMs: 60_000,
    onChange: () => {},
    ...options,
  });
  return {
    url,
    asked,
    quoter,
    behave(next) {
      behaviour = next;
    },
    async stop() {
      await quoter.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(res: http.ServerResponse, sent: Sent): void {
  if (sent === 'silence') return;
  if (sent === 'reset') {
    res.socket?.resetAndDestroy();
    return;
  }
  if (sent === 'trickle') {
    // The head comes at once and the rest never.
    res.writeHead(200, { 'content-length': '100' });
    res.write('{');
    return;
  }
  const answer = sent instanceof RawAnswer ? sent : signed(JSON.stringify(sent));
  res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  res.end(answer.body);
}
