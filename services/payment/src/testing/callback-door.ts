import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ASSERTION_HEADER, signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';

export interface CallbackDoor {
  readonly url: string;
  /** Where callbacks go on to; null answers 503 as a gateway does whose payment service is away. */
  forwardTo(url: string | null): void;
  stop(): Promise<void>;
}

/** Takes callbacks as the gateway does: vouches for the sender's address and passes the raw bytes on. */
export async function openCallbackDoor(secret: string): Promise<CallbackDoor> {
  let target: string | null = null;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const forward = async () => {
        if (target === null) throw new Error('closed');
        return fetch(`${target}${req.url ?? ''}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'stripe-signature': String(req.headers['stripe-signature']),
            [ASSERTION_HEADER]: signAssertion(secret, testCaller()),
          },
          body: Buffer.concat(chunks),
        });
      };
      forward().then(
        async (response) => res.writeHead(response.status).end(await response.text()),
        () => res.writeHead(503).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/webhooks/stripe`,
    forwardTo: (url) => {
      target = url;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A caller from loopback; nobody signed in unless told. */
export function testCaller(caller: Partial<Caller> = {}): Caller {
  return {
    userId: null,
    role: null,
    email: null,
    name: null,
    address: '127.0.0.1',
    requestId: newId('req'),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    ...caller,
  };
}
