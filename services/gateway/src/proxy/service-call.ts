import { Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';

/** Answers up to this size are read whole, so that a service that dies half-way gives a 503 and not a torn body. */
const WHOLE_BYTES = 256 * 1024;

/** What a service answered. A longer body is still on its way: it has to be read or destroyed. */
export interface ServiceAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer | Readable;
}

export interface SentCall {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  /** Names and values by turns. */
  readonly headers: string[];
  readonly body: string | Buffer | null;
  /** The answer is needed as one piece, within the limit, however long it is. */
  readonly whole?: boolean;
}

/** The text of an answer that came in one piece: one that was asked for whole always does. */
export function textOf({ body }: ServiceAnswer): string {
  if (!Buffer.isBuffer(body)) throw new Error('a long answer was not asked for whole');
  return body.toString('utf8');
}

/** The answer did not come in time. */
export class CallTimeout extends Error {
  constructor() {
    super('the service did not answer in time');
    this.name = 'CallTimeout';
  }
}

/**
 * Sends one call and gives its answer. Written against undici's dispatcher: its `request` makes a stream and an abort signal for each
 * call, half of what a call costs here. @throws CallTimeout after `limitMs`; else what broke the call.
 */
export function sendCall(pool: Pool, call: SentCall, limitMs: number): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    pool.dispatch(call, new CallHandler(call.method !== 'HEAD' && !call.whole, limitMs, resolve, reject));
  });
}

class CallHandler implements Dispatcher.DispatchHandler {
  readonly #mayStream: boolean;
  readonly #resolve: (answer: ServiceAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #timeout: CallTimeout | null = null;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #first: Buffer | null = null;
  #more: Buffer[] | null = null;
  #stream: Readable | null = null;

  constructor(
    mayStream: boolean,
    limitMs: number,
    resolve: (answer: ServiceAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#mayStream = mayStream;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#timedOut(), limitMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It waited for a connection for so long that nobody waits for its answer.
    if (this.#timeout) controller.abort(this.#timeout);
    else this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 100 Continue and its like are no answers.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (!this.#mayStream || status === 204 || status === 304 || Number(headers['content-length']) <= WHOLE_BYTES)
      return;
    // It has answered. How long the rest takes is up to the client; a service that falls silent is cut off by the pool.
    clearTimeout(this.#timer);
    const stream = new Readable({
      read: () => controller.resume(),
      destroy: (error, callback) => {
        controller.abort(error ?? new Error('the answer is not wanted any more'));
        callback(error);
      },
    });
    this.#stream = stream;
    this.#resolve({ status, headers, body: stream });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream) {
      if (!this.#stream.push(chunk)) controller.pause();
    } else if (this.#first === null) this.#first = chunk;
    else (this.#more ??= [this.#first]).push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.#timer);
    if (this.#stream) this.#stream.push(null);
    else {
      const body = this.#more ? Buffer.concat(this.#more) : (this.#first ?? NOTHING);
      this.#resolve({ status: this.#status, headers: this.#headers, body });
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    clearTimeout(this.#timer);
    if (this.#stream) this.#stream.destroy(error);
    else this.#reject(this.#timeout ?? error);
  }

  #timedOut(): void {
    this.#timeout = new CallTimeout();
    // Not sent yet: it is given up when its turn comes, and whoever waits is told now.
    if (this.#controller) this.#controller.abort(this.#timeout);
    else this.#reject(this.#timeout);
  }
}

const NOTHING = Buffer.alloc(0);
