import type { SignedIn } from './user.ts';

/** Tokens that were verified, so that the hot path does no crypto twice. Bounded: the least recently used goes first. */
export class TokenMemory {
  readonly #entries = new Map<string, SignedIn>();
  readonly #capacity: number;

  constructor(capacity = 50_000) {
    this.#capacity = capacity;
  }

  /** Whom an unexpired remembered token speaks for. Whether its session was revoked is another question, see Revocations. */
  recall(token: string, nowMs = Date.now()): SignedIn | null {
    const entry = this.#entries.get(token);
    if (!entry) return null;
    // A Map keeps the order of insertion: putting it back makes it the most recent.
    this.#entries.delete(token);
    if (entry.expiresAtMs <= nowMs) return null;
    this.#entries.set(token, entry);
    return entry;
  }

  remember(token: string, signedIn: SignedIn): void {
    this.#entries.set(token, signedIn);
    if (this.#entries.size <= this.#capacity) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  get size(): number {
    return this.#entries.size;
  }
}
