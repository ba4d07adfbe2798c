import { Problem } from '@holdfast/shared/problems';
import type { Attempt, AttemptLimits, AttemptRefusal } from './limit-attempts.ts';

const FAILURES = { account: 'login_failures_account', address: 'login_failures_address' } as const;
/** A sign-in that found no room for so long is told to come back. */
const PATIENCE_MS = 5_000;

/** A sign-in that may be tried. */
export interface Pass {
  /** Must be called, with whether the password was wrong. Resolves when that is counted; a second call does nothing. */
  leave(failed: boolean): Promise<void>;
}

interface Room {
  running: number;
  readonly waiting: Set<() => void>;
}

/**
 * Lets only so many sign-ins of an account and of an address be tried at one moment as may still fail. Counting failures alone would
 * let any number of guesses in that begin before the first one is counted; counting attempts would refuse an honest crowd. So those
 * that find no room wait for the others: when those fail they are refused, when those succeed they have their turn.
 */
export class LoginGate {
  readonly #limits: AttemptLimits;
  readonly #rooms = new Map<string, Room>();
  #failures = 0;

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** @throws Problem `dependency_unavailable` when there is no turn for 5 s; rejects when PostgreSQL does not answer. */
  async enter(attempt: Attempt): Promise<{ refusal: AttemptRefusal } | { refusal: null; pass: Pass }> {
    const deadline = performance.now() + PATIENCE_MS;
    const keys = { address: `address:${attempt.address}`, account: `account:${attempt.account}` };
    for (;;) {
      const failures = this.#failures;
      const found = await this.#limits.look(FAILURES, attempt);
      if (found.refusal) return found;
      // A failure that was counted meanwhile may be missing in what was read.
      if (failures !== this.#failures) continue;
      const full = (['account', 'address'] as const).find(
        (kind) => (this.#rooms.get(keys[kind])?.running ?? 0) >= found.left[kind],
      );
      if (full === undefined) return { refusal: null, pass: this.#admit(attempt, [keys.address, keys.account]) };
      await this.#turn(keys[full], deadline);
    }
  }

  #admit(attempt: Attempt, keys: readonly string[]): Pass {
    for (const key of keys) this.#roomOf(key).running += 1;
    let left = false;
    return {
      leave: async (failed) => {
        if (left) return;
        left = true;
        try {
          if (failed) {
            await this.#limits.count(FAILURES, attempt);
            this.#failures += 1;
          }
        } finally {
          for (const key of keys) this.#makeRoom(key, failed);
        }
      },
    };
  }

  #roomOf(key: string): Room {
    let room = this.#rooms.get(key);
    if (!room) this.#rooms.set(key, (room = { running: 0, waiting: new Set() }));
    return room;
  }

  /** After a success there is one turn; after a failure there may be none left, which all that wait should learn. */
  #makeRoom(key: string, failed: boolean): void {
    const room = this.#roomOf(key);
    room.running -= 1;
    for (const wake of [...room.waiting].slice(0, failed ? undefined : 1)) wake();
    if (room.running === 0 && room.waiting.size === 0) this.#rooms.delete(key);
  }

  #turn(key: string, deadline: number): Promise<void> {
    const { waiting } = this.#roomOf(key);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          waiting.delete(wake);
          reject(new Problem('dependency_unavailable', { detail: 'too many sign-ins at once, try again shortly' }));
        },
        Math.max(0, deadline - performance.now()),
      );
      const wake = () => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
    });
  }
}
