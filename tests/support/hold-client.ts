import http from 'node:http';
import type { ProblemBody } from '@holdfast/shared/problems';

/** What became of one sending of a request. */
export type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  /** Nobody listened: the request was not sent. */
  | { readonly kind: 'refused' }
  /** The kernel had taken the connection, and nobody accepted it before the port closed. */
  | { readonly kind: 'at the door' }
  /** The connection broke under a request that the server may have read. */
  | { readonly kind: 'broken'; readonly code: string };

/** A client with one kept-alive connection that tells exactly how a request ended. */
export class HoldClient {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #token: string;
  readonly #url: URL;
  readonly #eventId: string;

  constructor({ url, token, eventId }: { url: string; token: string; eventId: string }) {
    this.#url = new URL('/v1/bookings', url);
    this.#token = token;
    this.#eventId = eventId;
  }

  /** Goes on with another token: one lives for 10 minutes. */
  useToken(token: string): void {
    this.#token = token;
  }

  /** Holds one place of the event. */
  hold(key: string): Promise<Outcome> {
    const body = JSON.stringify({ event_id: this.#eventId, quantity: 1 });
    return new Promise((resolve) => {
      const request = http.request(this.#url, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': key,
        },
      });
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ kind: 'answered', status: response.statusCode!, body: text }));
        response.on('error', (error: NodeJS.ErrnoException) => resolve({ kind: 'broken', code: error.code ?? '' }));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') resolve({ kind: 'refused' });
        else if (!request.reusedSocket) resolve({ kind: 'at the door' });
        else resolve({ kind: 'broken', code: error.code ?? error.message });
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What is printed and, for what is put off, why. */
export function labelOf(outcome: Outcome): string {
  if (outcome.kind !== 'answered') return outcome.kind;
  return outcome.status === 503 ? `503 ${(JSON.parse(outcome.body) as ProblemBody).detail}` : String(outcome.status);
}

/** Before the next try of a client that was put off. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
