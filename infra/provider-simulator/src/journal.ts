import { createReadStream } from 'node:fs';
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * An append-only file of JSON lines. `append` hands a record over, `flushed` tells when everything handed over so far is on disk.
 * Records that arrive while one fsync is under way share the next (group commit), so the fsync rate does not limit the request
 * rate. One line is one commit: a line that was cut off by a crash is dropped as a whole when the file is opened again.
 */
export class Journal {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #onFailure: (error: Error) => void;
  #pending: string[] = [];
  #appended = 0;
  #durable = 0;
  #writing = false;
  #failure: Error | undefined;
  #waiters: { upTo: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(path: string, file: FileHandle, onFailure: (error: Error) => void) {
    this.path = path;
    this.#file = file;
    this.#onFailure = onFailure;
  }

  /**
   * Opens the file, creating it where it is missing, and hands every complete record to `replay` in order.
   * `onFailure` is called once when a later write fails: memory is then ahead of the disk and the process has to end.
   * @throws Error when a line other than the last is not JSON; a journal is a witness and is never repaired by guessing.
   */
  static async open(
    path: string,
    replay: (record: unknown) => void,
    onFailure: (error: Error) => void,
  ): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a');
    const kept = await replayLines(path, replay);
    const { size } = await stat(path);
    if (size > kept) await file.truncate(kept);
    await file.datasync();
    // The name itself has to survive a power cut as well, not only the content.
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return new Journal(path, file, onFailure);
  }

  append(record: unknown): void {
    if (this.#failure) throw this.#failure;
    this.#pending.push(`${JSON.stringify(record)}\n`);
    this.#appended += 1;
    if (this.#writing) return;
    this.#writing = true;
    // After the current turn of the event loop: requests that were read together are written together.
    setImmediate(() => void this.#writeUntilEmpty());
  }

  flushed(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#durable === this.#appended) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ upTo: this.#appended, resolve, reject }));
  }

  async close(): Promise<void> {
    try {
      await this.flushed();
    } finally {
      this.#failure ??= new Error(`the journal ${this.path} is closed`);
      await this.#file.close();
    }
  }

  async #writeUntilEmpty(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const lines = this.#pending;
        this.#pending = [];
        await this.#file.appendFile(lines.join(''));
        await this.#file.datasync();
        this.#durable += lines.length;
        this.#settle();
      }
      this.#writing = false;
    } catch (cause) {
      this.#failure = new Error(`cannot write the journal ${this.path}`, { cause });
      for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
      this.#onFailure(this.#failure);
    }
  }

  #settle(): void {
    const ready = this.#waiters.filter((waiter) => waiter.upTo <= this.#durable);
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > this.#durable);
    for (const waiter of ready) waiter.resolve();
  }
}

/** Returns how many bytes hold complete lines. */
async function replayLines(path: string, replay: (record: unknown) => void): Promise<number> {
  let kept = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const data = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10, start)) {
      replay(parseLine(path, data.toString('utf8', start, end), kept));
      kept += end + 1 - start;
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  return kept;
}

function parseLine(path: string, line: string, offset: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    throw new Error(`the journal ${path} is damaged at byte ${offset}; move the file away to start anew`, { cause });
  }
}
