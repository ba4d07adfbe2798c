import { Loop } from '@holdfast/shared/loop';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { Problem } from '@holdfast/shared/problems';
import { ensureAdmin } from './ensure-admin.ts';
import type { PasswordHasher } from './password.ts';
import { loadKeyRing, type KeyRing } from './signing-keys.ts';

const POLL_MS = 1_000;

/**
 * What identity needs from the database before it can work: the signing keys and the first admin. The gateway starts without
 * them and asks again until PostgreSQL answers, so it comes up in any order with its dependencies. The keys are looked at every second
 * from then on, so that a new one is known everywhere before it signs.
 */
export class PreparedIdentity {
  #keys: KeyRing | null = null;
  #done = false;
  readonly #deps: { pool: Pool; hasher: PasswordHasher; logger: Logger };
  readonly #admin: { email: string; password: string } | null;
  readonly #onKeyGone: () => void;
  readonly #loop: Loop;

  /** `onKeyGone` is called when a key does not verify any more, for whoever remembers what it verified. */
  constructor(
    deps: { pool: Pool; hasher: PasswordHasher; logger: Logger },
    admin: { email: string; password: string } | null,
    onKeyGone: () => void = () => undefined,
  ) {
    this.#deps = deps;
    this.#admin = admin;
    this.#onKeyGone = onKeyGone;
    this.#loop = new Loop({
      name: 'prepare-identity',
      intervalMs: POLL_MS,
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

  /** Does what is still missing and looks at the keys; @throws while the database does not answer. */
  async runOnce(): Promise<{ more: boolean }> {
    if (!this.#done) await this.#deps.hasher.warmUp();
    await this.#lookAtKeys();
    if (this.#done) return { more: false };
    if (this.#admin) {
      const outcome = await ensureAdmin(this.#deps, this.#admin);
      this.#deps.logger.info({ outcome }, 'configured administrator');
    }
    this.#done = true;
    return { more: false };
  }

  async #lookAtKeys(): Promise<void> {
    const before = this.#keys;
    const now = await loadKeyRing(this.#deps.pool, before);
    this.#keys = now;
    if (before === null || before === now) return;
    this.#deps.logger.info({ kid: now.current.kid, keys: now.verifying.size }, 'signing keys changed');
    if ([...before.verifying.keys()].some((kid) => !now.verifying.has(kid))) this.#onKeyGone();
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
