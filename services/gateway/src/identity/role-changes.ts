import type { Pool } from '@holdfast/shared/db/pool';
import { Loop } from '@holdfast/shared/loop';
import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { UserId } from '@holdfast/shared/ids';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { listRoleChanges } from './user-store.ts';
import type { SignedIn } from './user.ts';

const POLL_MS = 1_000;

/**
 * Roles that were changed while access tokens that name the old ones still run, in memory. A change made by another gateway arrives
 * within a second or so, and what it says goes before the token.
 */
export class RoleChanges {
  readonly #roles = new Map<UserId, { role: Role; untilMs: number }>();
  readonly #pool: Pool;
  readonly #loop: Loop;

  constructor(pool: Pool, logger: Logger) {
    this.#pool = pool;
    this.#loop = new Loop({ name: 'role-changes', intervalMs: POLL_MS, logger, runOnce: () => this.runOnce() });
  }

  /** The same sign-in, with the role that the user has now. */
  applyTo(signedIn: SignedIn): SignedIn {
    const change = this.#roles.get(signedIn.user.id);
    if (change === undefined || change.role === signedIn.user.role) return signedIn;
    return { ...signedIn, user: { ...signedIn.user, role: change.role } };
  }

  /** Makes a change of this process felt at once. `untilMs`: wall clock when the last token with the old role expires. */
  add(userId: UserId, role: Role, untilMs: number): void {
    this.#roles.set(userId, { role, untilMs });
  }

  /** Reads the whole set each time: a cursor would miss a change that commits late. */
  async runOnce(nowMs = Date.now()): Promise<{ more: boolean }> {
    for (const change of await listRoleChanges(this.#pool, nowMs)) this.add(change.userId, change.role, change.untilMs);
    for (const [userId, { untilMs }] of this.#roles) if (untilMs <= nowMs) this.#roles.delete(userId);
    return { more: false };
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
