import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Redis } from '@holdfast/shared/redis/redis';
import { currentSecret, type Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { CachedBody } from './body-cache.ts';

const PREFIX = 'holdfast:availability:';
/**
 * A body is believed by its version, never by its age. The age bounds what a PostgreSQL that was restored from a backup, and so counts
 * versions a second time, can find here: restoring takes longer than this.
 */
const LIFE_SECONDS = 60;
/** For how long a Redis that failed is left alone: each question to one that hangs costs its 100 ms. */
const PAUSE_MS = 1_000;
const SEAL_BYTES = 32;
const VERSION_BYTES = 8;

/**
 * Availability bodies that the replicas of this service share through Redis, so that a version is built by one of them. Each is sealed
 * (HMAC-SHA-256 over key, version and bytes): what Redis returns is a body that some replica built for this very key, or is nothing. A
 * Redis that is gone, slow or lying costs at most one command's time-out a second.
 */
export class SharedBodies {
  readonly #redis: Redis;
  readonly #secret: Secrets;
  #pausedUntil = -Infinity;

  constructor(options: { redis: Redis; secret: Secrets }) {
    this.#redis = options.redis;
    this.#secret = options.secret;
  }

  /** The body under `key` if it shows `version` or a later one. Never rejects. */
  async get(key: string, version: bigint): Promise<CachedBody | undefined> {
    if (!this.#isUsable()) return undefined;
    try {
      const value = await this.#redis.getBuffer(PREFIX + key);
      const body = value === null ? undefined : this.#open(key, value);
      return body && body.version >= version ? body : undefined;
    } catch {
      this.#pause();
      return undefined;
    }
  }

  /** Offers a body to the other replicas; nobody waits for it. */
  put(key: string, body: CachedBody): void {
    if (!this.#isUsable()) return;
    const versioned = Buffer.allocUnsafe(VERSION_BYTES + body.bytes.length);
    versioned.writeBigInt64BE(body.version);
    body.bytes.copy(versioned, VERSION_BYTES);
    const value = Buffer.concat([this.#seal(key, versioned), versioned]);
    this.#redis.set(PREFIX + key, value, 'EX', LIFE_SECONDS).catch(() => this.#pause());
  }

  #isUsable(): boolean {
    return this.#redis.status === 'ready' && performance.now() >= this.#pausedUntil;
  }

  #pause(): void {
    this.#pausedUntil = performance.now() + PAUSE_MS;
  }

  #open(key: string, value: Buffer): CachedBody | undefined {
    if (value.length < SEAL_BYTES + VERSION_BYTES) return undefined;
    const versioned = value.subarray(SEAL_BYTES);
    if (!timingSafeEqual(value.subarray(0, SEAL_BYTES), this.#seal(key, versioned))) return undefined;
    return { version: versioned.readBigInt64BE(), bytes: versioned.subarray(VERSION_BYTES) };
  }

  /** By the current secret alone: while it is being replaced the replicas build for themselves. */
  #seal(key: string, versioned: Buffer): Buffer {
    return createHmac('sha256', currentSecret(this.#secret)).update(`${PREFIX}${key}\n`).update(versioned).digest();
  }
}
