import { Loop } from '@holdfast/shared/loop';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { Problem } from '@holdfast/shared/problems';
import { ensureAdmin } from './ensure-admin.ts';
import type { PasswordHasher } from './password.ts';
import { loadKeyRing, type KeyRing } from './signing-keys.ts';

const RETRY_MS = 1_000;

/**
 * What identity needs from the database before it can work: the signing keys and the first admin. The gateway starts without
 * them and asks again until PostgreSQL answers, so it comes up in any order with its dependencies.
 */
export class PreparedIdentity {
  #keys: KeyRing | null = null;
  #done = false;
  readonly #deps: { pool: Pool; hasher: PasswordHasher; logger: Logger };
  readonly #admin: { email: string; password: string } | null;
  readonly #loop: Loop;

  constructor(
    deps: { pool: Pool; hasher: PasswordHasher; logger: Logger },
    admin: { email: string; password: string } | null,
  ) {
    this.#deps = deps;
    this.#admin = admin;
    this.#loop = new Loop({
      name: 'prepare-identity',
      intervalMs: RETRY_MS,
      logger: deps.logger,
      runOnce: () => this.runOnce(),
    });
  }

  /** @throws Problem `dependency_unavailable` before PostgreSQL answered for the first time. */
  get keys(): KeyRing {
    if (!this.#keys) throw new Problem('dependency_unavailable', { detail: 'the signing keys are not loaded yet' });
    return this.#keys;
  }

  get ready(): boolean {
    return this.#done;
  }

  /** Does what is still missing; @throws while the database does not answer. */
  async runOnce(): Promise<{ more: boolean }> {
    if (this.#done) return { more: false };
    await this.#deps.hasher.warmUp();
    this.#keys ??= await loadKeyRing(this.#deps.pool);
    if (this.#admin) {
      const outcome = await ensureAdmin(this.#deps, this.#admin);
      this.#deps.logger.info({ outcome }, 'configured administrator');
    }
    this.#done = true;
    return { more: false };
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
