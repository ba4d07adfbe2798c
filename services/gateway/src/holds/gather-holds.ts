/** One hold on its way to booking. */
export interface HoldCommand {
  /** The signed caller, see `signAssertion`. */
  readonly assertion: string;
  /** The raw Idempotency-Key header; booking checks it. */
  readonly key: string | null;
  /** `performance.now()` by which the client must have its answer. */
  readonly deadlineAt: number;
  /** The body as JSON text that was parsed once already: it is put into the call as it is. */
  readonly body: string;
}

export interface HoldAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text for the client. */
  readonly body: string;
}

/** Why a hold got no answer from booking. */
export type HoldFailure = 'queue_full' | 'deadline' | 'unavailable';
export type HoldOutcome = { ok: true; answer: HoldAnswer } | { ok: false; failure: HoldFailure; cause?: unknown };

/** Sends one call and gives the answers in the order of its commands. Rejects with a `TransportError`. */
export type HoldTransport = (payload: string, timeoutMs: number) => Promise<readonly HoldAnswer[]>;

/** A call that gave no answers. */
export class TransportError extends Error {
  /** Whether booking may have carried the call out: asking again by the same keys tells. */
  readonly answerLost: boolean;

  constructor(message: string, options: { answerLost: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'TransportError';
    this.answerLost = options.answerLost;
  }
}

export interface GathererOptions {
  readonly transport: HoldTransport;
  /** Commands in one call. */
  readonly maxBatch?: number;
  readonly maxInFlight?: number;
  /** Commands that may wait; more are refused at once. */
  readonly maxQueue?: number;
  /** The longest that one call may take; what is left of the deadline is for asking again. */
  readonly callLimitMs?: number;
  readonly now?: () => number;
}

interface Pending extends HoldCommand {
  settle: ((outcome: HoldOutcome) => void) | null;
}

const SWEEP_MS = 100;
/** A call of fewer holds than this is light load: the next one need not wait for it. */
const LIGHT_CALL = 8;
/** So many that wait are worth a second call beside the one under way. */
const FULL_CALL = 20;

/**
 * Hands the holds that wait in one turn of the event loop to booking in one call. A hop between processes costs more than the
 * hold itself, so under load the cost of a call is shared by up to 128 holds, while a lone hold leaves at the end of its turn.
 *
 * While a call of some size is under way the others gather: many small calls cost more of the machine than one large one. A second
 * call leaves when `FULL_CALL` wait, or when the first one is away for long: booking then reads one call while PostgreSQL carries out
 * the other. Measured at 64 clients (docs/performance.md).
 */
export class HoldGatherer {
  readonly #transport: HoldTransport;
  readonly #maxBatch: number;
  readonly #maxInFlight: number;
  readonly #maxQueue: number;
  readonly #callLimitMs: number;
  readonly #now: () => number;
  #queue: Pending[] = [];
  /** The calls under way and when they left. */
  readonly #sent = new Map<readonly Pending[], number>();
  #flushScheduled = false;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: GathererOptions) {
    this.#transport = options.transport;
    this.#maxBatch = options.maxBatch ?? 128;
    this.#maxInFlight = options.maxInFlight ?? 2;
    this.#maxQueue = options.maxQueue ?? 2_000;
    this.#callLimitMs = options.callLimitMs ?? 2_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Never rejects; a hold without an answer has an outcome that says why. */
  submit(command: HoldCommand): Promise<HoldOutcome> {
    if (this.#queue.length >= this.#maxQueue) return Promise.resolve({ ok: false, failure: 'queue_full' });
    return new Promise((resolve) => {
      this.#queue.push({
        assertion: command.assertion,
        key: command.key,
        deadlineAt: command.deadlineAt,
        body: command.body,
        settle: resolve,
      });
      if (!this.#flushScheduled && this.#mayLeave()) {
        this.#flushScheduled = true;
        setImmediate(() => {
          this.#flushScheduled = false;
          this.#flush();
        });
      }
      // Open requests keep the process alive by their sockets; the timer alone must not.
      this.#sweep ??= setInterval(() => this.expire(), SWEEP_MS).unref();
    });
  }

  /** Tells clients whose deadline has passed, so that no answer takes longer because a call hangs. */
  expire(): void {
    const now = this.#now();
    const overdue = (pending: Pending) => {
      if (pending.deadlineAt <= now) settle(pending, { ok: false, failure: 'deadline' });
    };
    for (const batch of this.#sent.keys()) batch.forEach(overdue);
    // The queue is in order of arrival, hence of deadlines.
    if (this.#queue[0] && this.#queue[0].deadlineAt <= now) {
      this.#queue.forEach(overdue);
      this.#queue = this.#queue.filter((pending) => pending.settle !== null);
    }
    this.#flush();
    this.#stopSweepWhenIdle();
  }

  #stopSweepWhenIdle(): void {
    if (this.#sweep === null || this.#sent.size > 0 || this.#queue.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#mayLeave()) {
      const batch = this.#queue.splice(0, this.#maxBatch);
      this.#sent.set(batch, this.#now());
      void this.#carry(batch).finally(() => {
        this.#sent.delete(batch);
        this.#flush();
      });
    }
  }

  /** Whether what waits should leave now, or rather with the holds that come while the calls under way are answered. */
  #mayLeave(): boolean {
    if (this.#sent.size >= this.#maxInFlight) return false;
    if (this.#queue.length >= Math.min(FULL_CALL, this.#maxBatch)) return true;
    const now = this.#now();
    for (const [batch, sentAt] of this.#sent) {
      if (batch.length >= LIGHT_CALL && now - sentAt < SWEEP_MS) return false;
    }
    return true;
  }

  async #carry(batch: readonly Pending[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const now = this.#now();
      const waiting = batch.filter((pending) => pending.settle !== null && pending.deadlineAt > now);
      for (const pending of batch) {
        if (pending.deadlineAt <= now) settle(pending, { ok: false, failure: 'deadline' });
      }
      if (waiting.length === 0) return;
      try {
        // The oldest has the least time left; the sweep answers it in time while the others wait on.
        const longest = Math.max(...waiting.map((pending) => pending.deadlineAt)) - now;
        const answers = await this.#transport(toPayload(waiting, now), Math.min(this.#callLimitMs, longest));
        if (answers.length !== waiting.length) {
          throw new TransportError(`${answers.length} answers to ${waiting.length} holds`, { answerLost: false });
        }
        waiting.forEach((pending, index) => settle(pending, { ok: true, answer: answers[index]! }));
        return;
      } catch (error) {
        // The keys make it safe to ask again: what was carried out is answered from its record.
        if (error instanceof TransportError && error.answerLost && attempt === 1) continue;
        for (const pending of waiting) settle(pending, { ok: false, failure: 'unavailable', cause: error });
        return;
      }
    }
  }
}

function settle(pending: Pending, outcome: HoldOutcome): void {
  pending.settle?.(outcome);
  pending.settle = null;
}

/** Text is joined rather than serialised as a whole: each body is JSON already. */
function toPayload(batch: readonly Pending[], now: number): string {
  let payload = '{"commands":[';
  for (let i = 0; i < batch.length; i++) {
    const { assertion, key, deadlineAt, body } = batch[i]!;
    if (i > 0) payload += ',';
    payload += `{"assertion":"${assertion}","key":${key === null ? 'null' : JSON.stringify(key)},"deadline_ms":${Math.floor(deadlineAt - now)},"body":${body}}`;
  }
  return `${payload}]}`;
}
