import { connect, type Socket } from 'node:net';

/** Answers are small JSON documents; one that is not is a mistake of the bench. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One keep-alive HTTP/1.1 connection with one request under way at a time, written against the socket: a general client costs more
 * per request than the service under test, and shares its cores. It understands answers with a Content-Length, which all of ours have.
 */
export class HttpClient {
  readonly #port: number;
  #socket: Socket | null = null;
  #received: Buffer[] = [];
  #size = 0;
  /** Bytes of the whole answer once its head is known. */
  #expected = 0;
  #status = '';
  #done: ((outcome: string) => void) | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request; calls back with the status, or with an error code when the connection broke. */
  send(request: string, done: (outcome: string) => void): void {
    this.#done = done;
    this.#socket ??= this.#connect();
    this.#socket.write(request, 'latin1');
  }

  /** Bytes of the answer under way that have come so far. */
  get received(): number {
    return this.#size;
  }

  close(): void {
    this.#done = null;
    this.#socket?.destroy();
    this.#socket = null;
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'error'));
    socket.on('close', () => this.#fail('closed'));
    return socket;
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#size += chunk.length;
    if (this.#expected === 0) this.#readHead();
    if (this.#expected === 0 || this.#size < this.#expected) {
      if (this.#size > MAX_ANSWER_BYTES) this.#fail('too_large');
      return;
    }
    const status = this.#status;
    this.#reset();
    const done = this.#done;
    this.#done = null;
    done?.(status);
  }

  #readHead(): void {
    const bytes = this.#received.length === 1 ? this.#received[0]! : Buffer.concat(this.#received);
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    this.#status = head.slice(9, 12);
    this.#expected = end + HEAD_END.length + Number(length?.[1] ?? 0);
  }

  #reset(): void {
    this.#received = [];
    this.#size = 0;
    this.#expected = 0;
  }

  #fail(outcome: string): void {
    this.#socket?.destroy();
    this.#socket = null;
    this.#reset();
    const done = this.#done;
    this.#done = null;
    done?.(outcome);
  }
}
