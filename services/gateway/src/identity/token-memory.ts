import { hash } from 'node:crypto';
import type { SignedIn } from './user.ts';

/**
 * Tokens that were verified, so that the hot path does no asymmetric crypto twice. Kept under their SHA-256: who reads this process's
 * memory, or a dump of it, finds no token to use. Bounded: the least recently used goes first.
 */
export class TokenMemory {
  readonly #entries = new Map<string, SignedIn>();
  readonly #capacity: number;

  constructor(capacity = 50_000) {
    this.#capacity = capacity;
  }

  /** Whom an unexpired remembered token speaks for. Whether its session was revoked is another question, see Revocations. */
  recall(token: string, nowMs = Date.now()): SignedIn | null {
    const key = keyOf(token);
    const entry = this.#entries.get(key);
    if (!entry) return null;
    // A Map keeps the order of insertion: putting it back makes it the most recent.
    this.#entries.delete(key);
    if (entry.expiresAtMs <= nowMs) return null;
    this.#entries.set(key, entry);
    return entry;
  }

  remember(token: string, signedIn: SignedIn): void {
    this.#entries.set(keyOf(token), signedIn);
    if (this.#entries.size <= this.#capacity) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Forgets everything: a signing key is gone, and what it signed is not good any more. */
  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64');
}
