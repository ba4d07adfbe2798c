import type { Pool } from '@holdfast/shared/db/pool';
import { Loop } from '@holdfast/shared/loop';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { listRevokedSessions } from './session-store.ts';
import type { SessionId } from './user.ts';

const POLL_MS = 2_000;

/**
 * Sessions that were ended while access tokens of theirs still run, in memory: a lookup on the hot path costs nothing and goes on
 * while PostgreSQL is away. Revocations made by other gateways arrive within two seconds.
 */
export class Revocations {
  readonly #deadAt = new Map<SessionId, number>();
  readonly #pool: Pool;
  readonly #loop: Loop;

  constructor(pool: Pool, logger: Logger) {
    this.#pool = pool;
    this.#loop = new Loop({ name: 'revocations', intervalMs: POLL_MS, logger, runOnce: () => this.runOnce() });
  }

  has(sessionId: SessionId): boolean {
    return this.#deadAt.has(sessionId);
  }

  /** Makes a revocation of this process felt at once. `accessDeadAtMs`: wall clock when its last access token expires. */
  add(sessionId: SessionId, accessDeadAtMs: number): void {
    this.#deadAt.set(sessionId, accessDeadAtMs);
  }

  /** Reads the whole set each time: a cursor would miss a revocation that commits late. */
  async runOnce(nowMs = Date.now()): Promise<{ more: boolean }> {
    for (const revoked of await listRevokedSessions(this.#pool, nowMs)) {
      this.#deadAt.set(revoked.sessionId, revoked.accessDeadAtMs);
    }
    for (const [sessionId, deadAt] of this.#deadAt) if (deadAt <= nowMs) this.#deadAt.delete(sessionId);
    return { more: false };
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
