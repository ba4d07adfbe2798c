import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type CallKind = 'hold' | 'pay' | 'cancel' | 'extend' | 'read' | 'refresh';

/**
 * What a client saw of one call: `invoke` when it was sent, then one of `ok` (2xx), `fail` (4xx: nothing happened) and `unknown` (no
 * answer, or a 5xx: it may have happened). A call may be sent several times, under one key.
 */
export interface Entry {
  readonly type: 'invoke' | 'ok' | 'fail' | 'unknown';
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly client: number;
  /** Counts the calls of all clients. */
  readonly call: number;
  readonly attempt: number;
  readonly kind: CallKind;
  readonly path: string;
  readonly key: string | null;
  readonly body: object | null;
  readonly booking: string | null;
  readonly status?: number;
  /** How long the answer took, or how long none came. */
  readonly ms?: number;
  /** Of an answer: of its text, the booking that it shows, or what it says about the error. */
  readonly sha256?: string;
  readonly shows?: {
    readonly id: string;
    readonly status: string;
    readonly version: number;
    readonly places: string[];
  };
  readonly error?: string;
}

/** The account of all clients of one run, in memory and as lines of JSON in a file. */
export class History {
  readonly entries: Entry[] = [];
  readonly #file: string;
  readonly #startedAt = performance.now();
  readonly #waiting = new Map<CallKind, Set<() => void>>();
  #calls = 0;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  }

  get file(): string {
    return this.#file;
  }

  now(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  newCall(): number {
    this.#calls += 1;
    return this.#calls;
  }

  add(entry: Omit<Entry, 'at'>): void {
    const complete = { ...entry, at: this.now() };
    this.entries.push(complete);
    appendFileSync(this.#file, `${JSON.stringify(complete)}\n`);
    if (entry.type !== 'invoke') return;
    for (const wake of this.#waiting.get(entry.kind) ?? []) wake();
    this.#waiting.delete(entry.kind);
  }

  /** Resolves with true when the next call of the kind is sent, or with false after `timeout_ms`. */
  nextCall(kind: CallKind, timeout_ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeout_ms);
      const waiting = this.#waiting.get(kind) ?? new Set();
      this.#waiting.set(
        kind,
        waiting.add(() => {
          clearTimeout(timer);
          resolve(true);
        }),
      );
    });
  }
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
