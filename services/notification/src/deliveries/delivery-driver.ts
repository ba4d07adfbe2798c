import type { Logger } from 'pino';
import { Loop } from '@holdfast/shared/loop';
import { leaseDue } from './delivery-store.ts';
import { sendDelivery, type SendDependencies, type SendResult } from './send-delivery.ts';

export interface DeliveryDriverOptions extends Omit<SendDependencies, 'stopping'> {
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** Called when outbox rows were written, to nudge the relay. */
  readonly onOutbox: () => void;
}

/** Messages under way at the same time; each is leased before and none waits in memory, so that leases do not age unused. */
const SIDE_BY_SIDE = 8;

/** Sends what is due. Any number of replicas may run one: a delivery is leased to one of them at a time. */
export class DeliveryDriver {
  readonly #options: DeliveryDriverOptions;
  readonly #loop: Loop;
  #stopping = false;

  constructor(options: DeliveryDriverOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'notification-deliveries',
      intervalMs: options.intervalMs ?? 500,
      logger: options.logger,
      runOnce: async () => ({ more: (await this.runOnce()).length === SIDE_BY_SIDE }),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Call after a commit that made a delivery due. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** Lets the messages under way end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
  }

  /** One round: lease, send, commit. Returns what came of each delivery. */
  async runOnce(): Promise<SendResult[]> {
    const leased = await leaseDue(this.#options.pool, SIDE_BY_SIDE);
    if (leased.length === 0) return [];
    const deps: SendDependencies = { ...this.#options, stopping: () => this.#stopping };
    // Settled, not all: one that throws must not let the loop go on while its neighbours are still being sent.
    const settled = await Promise.allSettled(leased.map((delivery) => sendDelivery(deps, delivery)));
    const results = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (results.some((result) => result === 'retry' || result === 'dead')) this.#options.onOutbox();
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed) throw new Error('outcome of a message could not be kept', { cause: failed.reason });
    return results;
  }
}
