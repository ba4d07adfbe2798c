import { setImmediate } from 'node:timers/promises';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { BucketSize, Grant } from './bucket-rules.ts';
import { LocalBuckets, type BucketAsk, type Buckets } from './buckets.ts';

/** Whether a request may go on, and what its client may be told of the limit. */
export interface Verdict {
  readonly ok: boolean;
  /** Tokens that are left, as far as this process knows. */
  readonly left: number;
  /** Until there is a token again; 0 when there is one. */
  readonly waitMs: number;
}

export interface LeasedLimiterOptions {
  /** Shared with the other gateways; null counts in this process alone. */
  readonly shared: Buckets | null;
  readonly logger: Logger;
  readonly local?: Buckets;
  /** Buckets that are remembered; the one used longest ago is forgotten first. */
  readonly remembered?: number;
  readonly now?: () => number;
}

/** What this process knows of one bucket. */
interface Account {
  readonly key: string;
  readonly size: BucketSize;
  /** Tokens that were given to this process and are not spent yet. */
  leased: number;
  /** Tokens that were spent here before anybody was asked. */
  debt: number;
  /** Requests since the bucket was last asked: how many tokens to ask for ahead. */
  uses: number;
  /** As it was at the last tick. */
  usesSeen: number;
  /** The bucket's own count when it was last asked. */
  left: number;
  closedUntil: number;
  /** By when what was spent is to be written down; counts while `queued`. */
  dueAt: number;
  asking: boolean;
  queued: boolean;
  waiting: ((verdict: Verdict) => void)[];
}

/** Leases that lay unused so long are given back, and so often it is looked what is due to be written down. */
const TICK_MS = 200;
/** What was spent is written down after this time, or when half of the credit is used up: it is the credit that bounds it. */
const SETTLE_MS = 1_000;
const IN_A_TURN = 100;
/** Share of a bucket that a process may spend before it has asked, and hold on lease. Bounds what N gateways let through too much. */
const CREDIT_SHARE = 1 / 20;
const MAX_CREDIT = 10;
const LEASE_SHARE = 1 / 10;
const MAX_LEASE = 500;
/** Redis may be away for hours; one line a minute says so. */
const REMIND_MS = 60_000;

/**
 * Token buckets that all gateways share, without a question for each request: a process spends a few tokens on credit, leases more
 * in small batches when it needs them, and settles many buckets in one call. A request waits for an answer only when a bucket that is
 * in demand has no lease at hand; one to a bucket that is known to be empty is refused at once. While the shared buckets are away each
 * process counts for itself.
 */
export class LeasedLimiter {
  readonly #shared: Buckets | null;
  readonly #local: Buckets;
  readonly #logger: Logger;
  readonly #capacity: number;
  readonly #now: () => number;
  readonly #accounts = new Map<string, Account>();
  /** To be settled at the next tick. */
  readonly #queue = new Set<Account>();
  /** Of these, those for which somebody waits. */
  readonly #urgent = new Set<Account>();
  readonly #leasing = new Set<Account>();
  #timer: NodeJS.Timeout | null = null;
  #settlingSoon = false;
  #remindedAt = -Infinity;

  constructor(options: LeasedLimiterOptions) {
    this.#shared = options.shared;
    this.#local = options.local ?? new LocalBuckets();
    this.#logger = options.logger;
    this.#capacity = options.remembered ?? 100_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes one token. Answers without a promise where it can, because the hot path asks for each request. Never rejects. */
  take(key: string, size: BucketSize): Verdict | Promise<Verdict> {
    const account = this.#accountOf(key, size);
    account.uses += 1;
    if (account.leased > 0) {
      account.leased -= 1;
      if (account.leased === 0) this.#settleLater(account, this.#now());
      return { ok: true, left: Math.max(0, account.left) + account.leased, waitMs: 0 };
    }
    const now = this.#now();
    if (account.closedUntil > now) return { ok: false, left: 0, waitMs: account.closedUntil - now };
    const credit = Math.min(MAX_CREDIT, Math.floor(size.capacity * CREDIT_SHARE));
    if (account.debt < Math.min(credit, account.left)) {
      account.debt += 1;
      this.#settleLater(account, account.debt * 2 >= credit ? now : now + SETTLE_MS);
      return { ok: true, left: Math.max(0, account.left - account.debt), waitMs: 0 };
    }
    return new Promise((resolve) => {
      account.waiting.push(resolve);
      this.#settleSoon(account);
    });
  }

  /** How long a bucket is known to give nothing; 0 when it may give. Takes nothing and asks nobody. */
  closedFor(key: string): number {
    const account = this.#accounts.get(key);
    return account === undefined || account.leased > 0 ? 0 : Math.max(0, account.closedUntil - this.#now());
  }

  /** Buckets that are known. */
  get remembered(): number {
    return this.#accounts.size;
  }

  /** Writes down all that was spent and answers who waits. Tests await it; otherwise what is due is settled by itself. */
  async settle(): Promise<void> {
    await this.#settleInParts([...this.#queue]);
  }

  /** In parts, each in a turn of its own: thousands of buckets at once would keep requests waiting for many milliseconds. */
  async #settleInParts(accounts: readonly Account[]): Promise<void> {
    for (let from = 0; from < accounts.length; from += IN_A_TURN) {
      if (from > 0) await setImmediate();
      await this.#settle(accounts.slice(from, from + IN_A_TURN));
    }
  }

  async #settle(queue: Iterable<Account>): Promise<void> {
    const accounts = [...queue].filter((account) => account.queued && !account.asking);
    if (accounts.length === 0) return;
    const asks = accounts.map((account) => this.#askFor(account));
    const grants = await this.#ask(asks);
    accounts.forEach((account, i) => this.#book(account, asks[i]!, grants[i]!));
  }

  /** Gives back what is on lease; what happens after it is counted no more. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    for (const account of this.#leasing) this.#giveBack(account);
    await this.settle();
  }

  #accountOf(key: string, size: BucketSize): Account {
    const known = this.#accounts.get(key);
    if (known) return known;
    const account: Account = {
      ...{ key, size, leased: 0, debt: 0, uses: 0, usesSeen: 0, left: size.capacity, closedUntil: 0 },
      ...{ dueAt: 0, asking: false, queued: false, waiting: [] },
    };
    this.#accounts.set(key, account);
    if (this.#accounts.size > this.#capacity) this.#forgetOldest();
    return account;
  }

  #forgetOldest(): void {
    for (const [key, account] of this.#accounts) {
      // Who waits must get an answer, and what is not settled yet will be within a second.
      if (account.queued || account.asking || account.leased > 0) continue;
      this.#accounts.delete(key);
      return;
    }
  }

  #settleLater(account: Account, dueAt: number): void {
    account.dueAt = account.queued ? Math.min(account.dueAt, dueAt) : dueAt;
    account.queued = true;
    this.#queue.add(account);
    // Open requests keep the process alive by their sockets; the timer alone must not.
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #settleSoon(account: Account): void {
    this.#settleLater(account, this.#now());
    this.#urgent.add(account);
    if (this.#settlingSoon) return;
    this.#settlingSoon = true;
    globalThis.setImmediate(() => {
      this.#settlingSoon = false;
      // Those alone: what the others spent is worth one line for many requests, not one for each.
      void this.#settle(this.#urgent);
    });
  }

  #tick(): void {
    for (const account of this.#leasing) {
      if (account.uses === account.usesSeen) this.#giveBack(account);
      account.usesSeen = account.uses;
    }
    if (this.#queue.size > 0) void this.#settleInParts(this.#due());
    else if (this.#leasing.size === 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #due(): Account[] {
    const now = this.#now();
    return [...this.#queue].filter(({ dueAt }) => dueAt <= now);
  }

  #giveBack(account: Account): void {
    account.debt -= account.leased;
    account.leased = 0;
    // Nobody is using it, so no new lease is asked for along with this.
    account.uses = 0;
    this.#leasing.delete(account);
    this.#settleLater(account, this.#now());
  }

  #askFor(account: Account): BucketAsk {
    const { size, waiting } = account;
    const lease = Math.min(MAX_LEASE, Math.floor(size.capacity * LEASE_SHARE));
    // A bucket that blocks is asked for what is needed only: asking for more than it has would be the refusal that closes it.
    const ahead = size.blockMs > 0 ? 0 : Math.max(0, Math.min(lease, account.uses - waiting.length) - account.leased);
    const ask = { key: account.key, size, spent: account.debt, want: waiting.length + ahead };
    account.asking = true;
    account.queued = false;
    account.debt = 0;
    account.uses = 0;
    account.usesSeen = 0;
    this.#queue.delete(account);
    this.#urgent.delete(account);
    return ask;
  }

  #book(account: Account, ask: BucketAsk, grant: Grant): void {
    account.asking = false;
    account.left = grant.left;
    let { granted } = grant;
    const answered = account.waiting.splice(0, ask.want);
    for (const resolve of answered) {
      const ok = granted > 0;
      if (ok) granted -= 1;
      resolve({ ok, left: Math.max(0, grant.left), waitMs: ok ? 0 : Math.max(1, grant.waitMs) });
    }
    account.leased += granted;
    if (account.leased > 0) this.#leasing.add(account);
    else this.#leasing.delete(account);
    // A bucket that blocks is shut by a refusal, not by being empty: the next one must reach it.
    const isShut = account.size.blockMs > 0 ? grant.left < 0 : grant.waitMs > 0;
    if (isShut) account.closedUntil = this.#now() + grant.waitMs;
    if (account.waiting.length > 0) this.#settleSoon(account);
  }

  async #ask(asks: readonly BucketAsk[]): Promise<readonly Grant[]> {
    if (this.#shared === null) return this.#local.settle(asks);
    try {
      return await this.#shared.settle(asks);
    } catch (error) {
      if (performance.now() - this.#remindedAt > REMIND_MS) {
        this.#remindedAt = performance.now();
        this.#logger.warn({ err: error }, 'shared limits cannot be reached, this process counts for itself');
      }
      return this.#local.settle(asks);
    }
  }
}
