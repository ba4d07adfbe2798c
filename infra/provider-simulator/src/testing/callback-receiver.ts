import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedCallback {
  readonly body: string;
  readonly signature: string;
  readonly event: { readonly id: string; readonly type: string };
}

/** Takes callbacks on a loopback port; `answer` is the status that it gives. */
export class CallbackReceiver {
  readonly received: ReceivedCallback[] = [];
  answer = 200;
  readonly #server: Server;
  #watchers: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const event = JSON.parse(body) as ReceivedCallback['event'];
        this.received.push({ body, signature: String(request.headers['stripe-signature']), event });
        response.writeHead(this.answer).end();
        for (const watcher of this.#watchers.splice(0)) watcher();
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/callbacks`;
  }

  /** Resolves with the `count`-th callback of a type, whether it is here already or still has to come. */
  async take(type: string, count = 1): Promise<ReceivedCallback> {
    for (;;) {
      const found = this.received.filter((callback) => callback.event.type === type)[count - 1];
      if (found) return found;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
