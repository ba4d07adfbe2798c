import type { Logger } from 'pino';
import { Loop } from '@holdfast/shared/loop';
import type { LeasedDelivery } from './delivery.ts';
import { leaseDue, renewLeases } from './delivery-store.ts';
import { sendDelivery, type SendDependencies } from './send-delivery.ts';

export interface DeliveryDriverOptions extends Omit<SendDependencies, 'stopping'> {
  readonly logger: Logger;
  readonly intervalMs?: number;
  /** How often the leases of what is being sent are renewed, in ms: several times in the life of a lease. */
  readonly renewMs?: number;
  /** Called when outbox rows were written, to nudge the relay. */
  readonly onOutbox: () => void;
}

/** Messages of one channel under way at the same time; each is leased before and none waits in memory, so that leases do not age unused. */
const SIDE_BY_SIDE = { email: 8, sms: 8, webhook: 16 } as const;
const RENEW_MS = 5_000;

/**
 * Sends what is due over one channel; the others have drivers of their own and do not wait for it. As many are leased as there is room
 * for, and the rest stays in the database. Any number of replicas may run one: a delivery is leased to one of them at a time, for as
 * long as that one lives and renews the lease. After the database was away nobody takes over from anybody until all had the time to
 * renew what they still send.
 */
export class DeliveryDriver {
  readonly #options: DeliveryDriverOptions;
  readonly #loop: Loop;
  readonly #renewal: Loop;
  readonly #renewMs: number;
  readonly #underWay = new Map<LeasedDelivery, Promise<void>>();
  /** When the leases were renewed last, and when the database was found to be away, by `performance.now()`. */
  #renewedAt = performance.now();
  #awayAt = -Infinity;
  #stopping = false;

  constructor(options: DeliveryDriverOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: `notification-${options.channel.name}`,
      intervalMs: options.intervalMs ?? 500,
      logger: options.logger,
      runOnce: () => this.#runOnce(),
    });
    this.#renewMs = options.renewMs ?? RENEW_MS;
    this.#renewal = new Loop({
      name: `notification-${options.channel.name}-leases`,
      intervalMs: this.#renewMs,
      logger: options.logger,
      runOnce: () => this.#renew().then(() => ({ more: false })),
    });
  }

  start(): void {
    this.#loop.start();
    this.#renewal.start();
  }

  /** Call after a commit that made a delivery due. */
  nudge(): void {
    this.#loop.nudge();
  }

  /** Lets the messages under way end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
    await Promise.all(this.#underWay.values());
    await this.#renewal.stop();
  }

  /** One round: leases what there is room for and begins to send it. */
  async #runOnce(): Promise<{ more: boolean }> {
    const { pool, channel } = this.#options;
    // Before anything is taken over: what this process itself still sends must not look left behind.
    if (performance.now() - this.#renewedAt > 2 * this.#renewMs) await this.#renew();
    const room = SIDE_BY_SIDE[channel.name] - this.#underWay.size;
    if (room === 0) return { more: false };
    const takeOver = performance.now() - this.#awayAt > 2 * this.#renewMs;
    const leased = await this.#noticing(() => leaseDue(pool, channel.name, room, { takeOver }));
    for (const delivery of leased) {
      const sending = this.#send(delivery).finally(() => {
        this.#underWay.delete(delivery);
        this.#loop.nudge();
      });
      this.#underWay.set(delivery, sending);
    }
    return { more: false };
  }

  async #renew(): Promise<void> {
    const held = [...this.#underWay.keys()];
    if (held.length > 0) await this.#noticing(() => renewLeases(this.#options.pool, held));
    this.#renewedAt = performance.now();
  }

  async #noticing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#awayAt = performance.now();
      throw error;
    }
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
