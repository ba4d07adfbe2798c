import type { Logger } from 'pino';
import { Loop } from '@holdfast/shared/loop';
import type { LeasedDelivery } from './delivery.ts';
import { leaseDue } from './delivery-store.ts';
import { sendDelivery, type SendDependencies } from './send-delivery.ts';

export interface DeliveryDriverOptions extends Omit<SendDependencies, 'stopping'> {
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** Called when outbox rows were written, to nudge the relay. */
  readonly onOutbox: () => void;
}

/** Messages of one channel under way at the same time; each is leased before and none waits in memory, so that leases do not age unused. */
const SIDE_BY_SIDE = { email: 8, sms: 8, webhook: 16 } as const;

/**
 * Sends what is due over one channel; the others have drivers of their own and do not wait for it. As many are leased as there is room
 * for, and the rest stays in the database. Any number of replicas may run one: a delivery is leased to one of them at a time.
 */
export class DeliveryDriver {
  readonly #options: DeliveryDriverOptions;
  readonly #loop: Loop;
  readonly #underWay = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: DeliveryDriverOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: `notification-${options.channel.name}`,
      intervalMs: options.intervalMs ?? 500,
      logger: options.logger,
      runOnce: () => this.#runOnce(),
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
    await Promise.all(this.#underWay);
  }

  /** One round: leases what there is room for and begins to send it. */
  async #runOnce(): Promise<{ more: boolean }> {
    const { pool, channel } = this.#options;
    const room = SIDE_BY_SIDE[channel.name] - this.#underWay.size;
    if (room === 0) return { more: false };
    const leased = await leaseDue(pool, channel.name, room);
    for (const delivery of leased) {
      const sending: Promise<void> = this.#send(delivery).finally(() => {
        this.#underWay.delete(sending);
        this.#loop.nudge();
      });
      this.#underWay.add(sending);
    }
    return { more: false };
  }

  async #send(delivery: LeasedDelivery): Promise<void> {
    try {
      const result = await sendDelivery({ ...this.#options, stopping: () => this.#stopping }, delivery);
      if (result === 'retry' || result === 'dead') this.#options.onOutbox();
    } catch (error) {
      // The lease runs out, and the message is sent again.
      this.#options.logger.error({ err: error, delivery_id: delivery.id }, 'outcome of a message could not be kept');
    }
  }
}
