import type { Bus } from '@holdfast/shared/bus/bus';
import type { BookingId } from '@holdfast/shared/ids';

const SUBJECT = 'hint.booking.changed';

/**
 * Tells who waits for a booking that it changed, in this process or in another one. Hints may be lost, so waiters also look on their
 * own from time to time.
 */
export class BookingWatch {
  readonly #bus: Pick<Bus, 'hint' | 'onHint'>;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(bus: Pick<Bus, 'hint' | 'onHint'>) {
    this.#bus = bus;
  }

  start(): void {
    this.#bus.onHint(SUBJECT, (bookingId) => this.#wake(bookingId));
  }

  /** Call after the commit that changed the booking. */
  changed(bookingId: BookingId): void {
    this.#wake(bookingId);
    this.#bus.hint(SUBJECT, bookingId);
  }

  /** Resolves at the next change that is heard of, or after `limitMs`. */
  next(bookingId: BookingId, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(bookingId) ?? new Set();
      this.#waiters.set(bookingId, waiters);
      const done = () => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0) this.#waiters.delete(bookingId);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      waiters.add(done);
    });
  }

  #wake(bookingId: string): void {
    for (const waiter of [...(this.#waiters.get(bookingId) ?? [])]) waiter();
  }
}
