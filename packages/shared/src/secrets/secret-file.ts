import { readFileSync } from 'node:fs';
import type { SecretRing } from './secret-ring.ts';

/** How long what was read is used without looking at the file again. */
const LOOK_EVERY_MS = 1_000;

export interface SecretFileOptions {
  /** Turns the file's text into secrets, the current one first. Null when it cannot be used. */
  readonly parse: (text: string) => readonly string[] | null;
  /** Told once for each text that cannot be used; without its content. */
  readonly onProblem: (problem: string) => void;
  readonly nowMs?: () => number;
}

/**
 * Secrets in a file, read again while the process runs: whoever asks gets what has stood there for a second or longer. A file that is
 * away or cannot be used changes nothing, so half a write, or a typing error, locks nobody out.
 */
export class SecretFile implements SecretRing {
  readonly #path: string;
  readonly #options: SecretFileOptions;
  #values: readonly string[];
  /** Null: it could not be read. */
  #seen: string | null;
  #lookedAt: number;

  /** @throws Error when the file cannot be read or used. */
  constructor(path: string, options: SecretFileOptions) {
    this.#path = path;
    this.#options = options;
    const text = readFileSync(path, 'utf8');
    const values = options.parse(text);
    if (!values) throw new Error(`${path} holds no usable secret`);
    this.#seen = text;
    this.#values = values;
    this.#lookedAt = this.#now();
  }

  values(): readonly string[] {
    const now = this.#now();
    // A file of some bytes on this machine: reading it takes a fraction of what one request costs, once a second.
    if (now - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = now;
      this.#lookAgain();
    }
    return this.#values;
  }

  #lookAgain(): void {
    let text: string | null = null;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      // Between two files of one name, or not ours to read any more: told below, once.
    }
    if (text === this.#seen) return;
    this.#seen = text;
    const values = text === null ? null : this.#options.parse(text);
    if (values) this.#values = values;
    else this.#options.onProblem(`${this.#path} holds no usable secret; the ones of before stay in use`);
  }

  #now(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }
}
