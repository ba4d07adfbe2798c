/** The end of an availability body, with the inventory version that it shows. */
export interface CachedBody {
  readonly version: bigint;
  readonly bytes: Buffer;
}

/**
 * Bodies by key, the most recently built ones up to a number of bytes. Whether one is current is decided by the version that the
 * database names, never by age.
 */
export class BodyCache {
  readonly #limitBytes: number;
  readonly #bodies = new Map<string, CachedBody>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The body if it shows this version or a later one. */
  get(key: string, version: bigint): CachedBody | undefined {
    const body = this.#bodies.get(key);
    return body && body.version >= version ? body : undefined;
  }

  set(key: string, body: CachedBody): void {
    this.#remove(key);
    this.#bodies.set(key, body);
    this.#bytes += body.bytes.length;
    for (const oldest of this.#bodies.keys()) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#bytes -= this.#bodies.get(key)?.bytes.length ?? 0;
    this.#bodies.delete(key);
  }
}
