import type { Logger } from 'pino';
import { settleLines, type HoldDeps } from '../holds/settle-hold-batch.ts';
import { dueLines, type DueLine } from './waitlist-store.ts';

export interface ServeDeps {
  readonly holds: HoldDeps;
  readonly logger: Logger;
  readonly onCommit: () => void;
}

/** Lines of one round. */
const ROUND = 50;
/** How long a line is left alone that could not be served: the others are not kept waiting by it. */
const REST_MS = 5_000;

/**
 * Serves the lines whose inventory has changed. Each line is one transaction under the lock of its event or resource, and what was
 * served is noted there, so any number of processes may run this: whoever comes second finds nothing due.
 */
export class WaitlistServer {
  readonly #deps: ServeDeps;
  readonly #restUntil = new Map<string, number>();

  constructor(deps: ServeDeps) {
    this.#deps = deps;
  }

  /** One round; `more` says that a line has more to give than was given. */
  async runOnce(): Promise<{ offered: number; more: boolean }> {
    const due = await dueLines(this.#deps.holds.pool, ROUND);
    const round = { offered: 0, more: false };
    for (const line of due) {
      const served = await this.#serve(line);
      round.offered += served.offered;
      round.more ||= served.more;
    }
    return round;
  }

  async #serve(line: DueLine): Promise<{ offered: number; more: boolean }> {
    const id = (line.event_id ?? line.resource_id)!;
    if ((this.#restUntil.get(id) ?? 0) > performance.now()) return { offered: 0, more: false };
    try {
      const served = await settleLines(this.#deps.holds, {
        eventIds: line.event_id === null ? [] : [line.event_id],
        resourceIds: line.resource_id === null ? [] : [line.resource_id],
      });
      this.#restUntil.delete(id);
      // The mail waits for nothing else, so it does not wait for the rest of the round.
      if (served.offered > 0) this.#deps.onCommit();
      return served;
    } catch (error) {
      this.#deps.logger.error({ err: error, of: id }, 'a waiting line could not be served');
      this.#restUntil.set(id, performance.now() + REST_MS);
      return { offered: 0, more: false };
    }
  }
}
