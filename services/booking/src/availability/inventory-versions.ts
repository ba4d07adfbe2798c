import type { Pool } from '@holdfast/shared/db/pool';
import type { EventId } from '@holdfast/shared/ids';
import { readInventoryVersions, type VersionRow } from './availability-store.ts';

interface Waiter {
  resolve(row: VersionRow | null): void;
  reject(error: unknown): void;
}

/**
 * Asks PostgreSQL for the inventory versions of events, one statement at a time for all who wait: a thousand readers of one popular
 * event cost it one query per round trip. A reader never joins a statement that was sent before it came, so whoever has just taken a
 * place reads a version that knows of it (G11).
 */
export class InventoryVersions {
  readonly #pool: Pool;
  #waiting = new Map<EventId, Waiter[]>();
  #running = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The event's inventory version as of now, or null for an unknown event. @throws what the database throws. */
  read(id: EventId): Promise<VersionRow | null> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(id);
      if (waiters) waiters.push({ resolve, reject });
      else this.#waiting.set(id, [{ resolve, reject }]);
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.size > 0) {
      const batch = this.#waiting;
      this.#waiting = new Map();
      try {
        const rows = new Map((await readInventoryVersions(this.#pool, [...batch.keys()])).map((row) => [row.id, row]));
        for (const [id, waiters] of batch) for (const waiter of waiters) waiter.resolve(rows.get(id) ?? null);
      } catch (error) {
        // Those who came meanwhile fail as well: another wait on a database that does not answer would cost them the 3 s of G10.
        const late = this.#waiting;
        this.#waiting = new Map();
        for (const waiters of [...batch.values(), ...late.values()]) {
          for (const waiter of waiters) waiter.reject(error);
        }
      }
    }
    this.#running = false;
  }
}
