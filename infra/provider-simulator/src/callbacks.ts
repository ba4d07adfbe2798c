import { createHmac } from 'node:crypto';
import type { Scheduler } from './scheduler.ts';
import type { PendingCallback, World } from './world.ts';
import { emptyChange } from './world.ts';
import type { StripeEvent } from './objects.ts';

/** Waits between attempts, the last one repeated: quick at first, then patient, and never given up. */
const RETRY_AFTER_MS = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000];
const ANSWER_WITHIN_MS = 10_000;
/** Bounds what a receiver that comes back after a long time gets at once. */
const MAX_CONCURRENT = 32;

/** `Stripe-Signature` of a body: HMAC-SHA256 over `<unix seconds>.<raw body>`. */
export function signCallback(body: string, secret: string, now_ms: number): string {
  const timestamp = Math.floor(now_ms / 1000);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${signature}`;
}

/** Sends the callbacks that the world says are pending, until each was answered 2xx as often as it should be. */
export class CallbackSender {
  readonly #world: World;
  readonly #scheduler: Scheduler;
  readonly #target: { readonly callback_url: string; readonly webhook_secret: string };
  readonly #timers = new Map<string, () => void>();
  readonly #queue: string[] = [];
  readonly #sending = new Set<Promise<void>>();
  readonly #abort = new AbortController();

  constructor(
    world: World,
    scheduler: Scheduler,
    target: { readonly callback_url: string; readonly webhook_secret: string },
  ) {
    this.#world = world;
    this.#scheduler = scheduler;
    this.#target = target;
  }

  /** Takes up what a former process left unsent. */
  start(): void {
    for (const callback of this.#world.callbacks.values()) this.schedule(callback);
  }

  /** Plans a callback. Call it after the journal has the event: nobody may hear of what could still be lost. */
  schedule(callback: PendingCallback): void {
    if (this.#abort.signal.aborted || callback.held === true) return;
    const wait_ms = callback.not_before - this.#scheduler.now();
    const enqueue = (): void => {
      this.#timers.delete(callback.event_id);
      this.#queue.push(callback.event_id);
      this.#sendQueued();
    };
    if (wait_ms <= 0) enqueue();
    else this.#timers.set(callback.event_id, this.#scheduler.after(wait_ms, enqueue));
  }

  /** Sends held callbacks now, each when the one before was answered or failed; what was not taken is repeated as usual. */
  async sendInOrder(released: readonly PendingCallback[]): Promise<void> {
    for (const callback of released) {
      const change = emptyChange();
      change.callbacks.push({ ...callback, not_before: this.#scheduler.now() });
      this.#world.commit(change);
      const sending = this.#attempt(callback.event_id).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
      await sending;
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#queue.length = 0;
    await Promise.all(this.#sending);
  }

  #sendQueued(): void {
    while (this.#sending.size < MAX_CONCURRENT && this.#queue.length > 0) {
      const sending = this.#attempt(this.#queue.shift() as string).finally(() => {
        this.#sending.delete(sending);
        this.#sendQueued();
      });
      this.#sending.add(sending);
    }
  }

  async #attempt(event_id: string): Promise<void> {
    const callback = this.#world.callbacks.get(event_id);
    const event = this.#world.events.get(event_id);
    if (!callback || !event || this.#abort.signal.aborted) return;
    const { status, error } = await this.#post(event);
    // An attempt that our own stop cut short says nothing about the receiver; the next start repeats it.
    if (status === null && this.#abort.signal.aborted) return;
    this.schedule(this.#record(callback, event, status, error));
  }

  async #post(event: StripeEvent): Promise<{ status: number | null; error?: string }> {
    const body = JSON.stringify(event);
    try {
      const answer = await fetch(this.#target.callback_url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': signCallback(body, this.#target.webhook_secret, this.#scheduler.now()),
          'user-agent': 'Holdfast-Provider-Simulator/1.0',
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      await answer.arrayBuffer();
      return { status: answer.status };
    } catch (failure) {
      return { status: null, error: describeFailure(failure) };
    }
  }

  /** Writes the attempt into the journal and returns what is left to send (`copies: 0` for nothing, which sends nothing). */
  #record(callback: PendingCallback, event: StripeEvent, status: number | null, error?: string): PendingCallback {
    const delivered = status !== null && status >= 200 && status < 300;
    const attempts = callback.attempts + 1;
    const wait_ms = RETRY_AFTER_MS[Math.min(attempts, RETRY_AFTER_MS.length) - 1] ?? 0;
    const next: PendingCallback = {
      ...callback,
      copies: delivered ? callback.copies - 1 : callback.copies,
      attempts: delivered ? 0 : attempts,
      not_before: this.#scheduler.now() + (delivered ? 0 : wait_ms),
    };
    const { object } = event.data;
    const intent = this.#world.intents.get(object.object === 'payment_intent' ? object.id : object.payment_intent);
    const change = emptyChange();
    change.callbacks.push(next);
    change.effects.push({
      kind: 'callback_sent',
      booking_id: intent?.metadata['booking_id'] ?? null,
      payment_intent: intent?.id ?? null,
      amount: object.amount,
      currency: object.currency,
      payment_method: intent?.payment_method ?? null,
      idempotency_key: event.request.idempotency_key,
      request_id: event.request.id,
      event_id: event.id,
      event_type: event.type,
      attempt: attempts,
      answer_status: status,
      ...(error === undefined ? {} : { error }),
    });
    this.#world.commit(change);
    return next;
  }
}

function describeFailure(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const cause = failure.cause as { code?: string; message?: string } | undefined;
  return [failure.message, cause?.code ?? cause?.message].filter(Boolean).join(': ');
}
