import { Collection } from './collection.ts';
import type { Charge, PaymentIntent, Refund, StripeEvent } from './objects.ts';
import type { Scheduler } from './scheduler.ts';

export type EffectKind =
  | 'intent_created'
  | 'intent_updated'
  | 'requires_action'
  | 'processing'
  | 'authorised'
  | 'declined'
  | 'captured'
  | 'cancelled'
  | 'refunded'
  | 'callback_sent';

/** One line of the witness: something that the provider did, whatever its caller got to hear of it. */
export interface Effect {
  seq: number;
  at: string;
  kind: EffectKind;
  booking_id: string | null;
  payment_intent: string | null;
  /** Minor units: the sum that this effect moved, held or gave up; for a callback the sum of its payment. */
  amount: number;
  currency: string;
  payment_method: string | null;
  idempotency_key: string | null;
  request_id: string | null;
  refund?: string;
  reason?: string;
  /** For callback_sent; the status is null where no answer came. */
  event_id?: string;
  event_type?: string;
  attempt?: number;
  answer_status?: number | null;
  error?: string;
}

/** An outcome that is already decided but not yet visible: the intent says `processing` until `due`. */
export interface Settlement {
  payment_intent: string;
  payment_method: string;
  idempotency_key: string | null;
  due: number;
}

/** How often an event still has to reach the receiver, and from when on. */
export interface PendingCallback {
  event_id: string;
  copies: number;
  attempts: number;
  not_before: number;
  /** Waits until somebody releases it. */
  held?: boolean;
}

export interface StoredAnswer {
  key: string;
  /** Digest of method, path and body: the same key with other parameters is refused. */
  fingerprint: string;
  status: number;
  body: string;
  request_id: string;
  at: number;
}

/** Everything that one request, settlement or callback changes. It is one line of the journal, so it happens whole or not at all. */
export interface Change {
  effects: Omit<Effect, 'seq' | 'at'>[];
  intents: PaymentIntent[];
  charges: Charge[];
  refunds: Refund[];
  events: StripeEvent[];
  /** `due: 0` ends a settlement. */
  settlements: Settlement[];
  /** `copies: 0` ends a delivery. */
  callbacks: PendingCallback[];
  answer?: StoredAnswer;
}

interface JournalRecord extends Partial<Omit<Change, 'effects'>> {
  effects: Effect[];
}

export function emptyChange(): Change {
  return { effects: [], intents: [], charges: [], refunds: [], events: [], settlements: [], callbacks: [] };
}

/** The provider's state, held in memory and rebuilt from the journal. Live changes and replayed ones take the same way in. */
export class World {
  readonly intents = new Collection<PaymentIntent>();
  readonly charges = new Collection<Charge>();
  readonly refunds = new Collection<Refund>();
  readonly events = new Collection<StripeEvent>();
  readonly settlements = new Map<string, Settlement>();
  readonly callbacks = new Map<string, PendingCallback>();
  readonly answers = new Map<string, StoredAnswer>();
  readonly effects: Effect[] = [];
  readonly #effectsOfBooking = new Map<string, Effect[]>();
  readonly #effectsOfIntent = new Map<string, Effect[]>();
  readonly #refundsOfIntent = new Map<string, string[]>();
  readonly #scheduler: Scheduler;
  readonly #append: (record: unknown) => void;

  /** `append` takes each committed record; the caller waits for the journal before it tells anybody. */
  constructor(scheduler: Scheduler, append: (record: unknown) => void) {
    this.#scheduler = scheduler;
    this.#append = append;
  }

  commit(change: Change): void {
    const at = new Date(this.#scheduler.now()).toISOString();
    const effects = change.effects.map((effect, index) => ({ seq: this.effects.length + 1 + index, at, ...effect }));
    const { effects: _, ...rest } = change;
    const parts = Object.entries(rest).filter(([, part]) => !Array.isArray(part) || part.length > 0);
    const record = { effects, ...Object.fromEntries(parts) } as JournalRecord;
    this.#append(record);
    this.#apply(record);
  }

  /** Takes in one line of the journal at start. */
  replay(record: unknown): void {
    this.#apply(record as JournalRecord);
  }

  effectsOf(query: { booking_id?: string | undefined; payment_intent?: string | undefined }): readonly Effect[] {
    if (query.payment_intent !== undefined) {
      const effects = this.#effectsOfIntent.get(query.payment_intent) ?? [];
      return effects.filter((effect) => query.booking_id === undefined || effect.booking_id === query.booking_id);
    }
    return query.booking_id === undefined ? this.effects : (this.#effectsOfBooking.get(query.booking_id) ?? []);
  }

  refundsOf(payment_intent: string): readonly Refund[] {
    const ids = this.#refundsOfIntent.get(payment_intent) ?? [];
    return ids.flatMap((id) => this.refunds.get(id) ?? []);
  }

  #apply(record: JournalRecord): void {
    for (const intent of record.intents ?? []) this.intents.put(intent);
    for (const charge of record.charges ?? []) this.charges.put(charge);
    for (const refund of record.refunds ?? []) {
      if (!this.refunds.get(refund.id)) append(this.#refundsOfIntent, refund.payment_intent, refund.id);
      this.refunds.put(refund);
    }
    for (const event of record.events ?? []) this.events.put(event);
    for (const settlement of record.settlements ?? []) {
      if (settlement.due === 0) this.settlements.delete(settlement.payment_intent);
      else this.settlements.set(settlement.payment_intent, settlement);
    }
    for (const callback of record.callbacks ?? []) this.#applyCallback(callback);
    if (record.answer) this.answers.set(record.answer.key, record.answer);
    for (const effect of record.effects) {
      this.effects.push(effect);
      if (effect.booking_id !== null) append(this.#effectsOfBooking, effect.booking_id, effect);
      if (effect.payment_intent !== null) append(this.#effectsOfIntent, effect.payment_intent, effect);
    }
  }

  #applyCallback(callback: PendingCallback): void {
    if (callback.copies > 0) {
      this.callbacks.set(callback.event_id, callback);
      return;
    }
    this.callbacks.delete(callback.event_id);
    const event = this.events.get(callback.event_id);
    if (event) this.events.put({ ...event, pending_webhooks: 0 });
  }
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
