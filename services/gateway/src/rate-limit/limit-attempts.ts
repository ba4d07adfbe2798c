import { createHash } from 'node:crypto';
import type { Pool } from '@holdfast/shared/db/pool';
import { countAttempts, readAttempts, type Subject } from './attempt-store.ts';
import type { Policies, Policy, PolicyName } from './policy-rules.ts';

/** Who tries something: `account` is an e-mail address or a token as the client sent it, null when the body has none. */
export interface Attempt {
  readonly account: string | null;
  /** As `addressKey` gives it. */
  readonly address: string;
}

export interface AttemptRefusal {
  readonly policy: Policy;
  readonly waitMs: number;
}

/** The two policies of a kind of attempt. */
export interface AttemptPolicies {
  readonly account: PolicyName;
  readonly address: PolicyName;
}

/** Refusals that are remembered, so that a flood of attempts costs PostgreSQL nothing. */
const REMEMBERED = 10_000;
/** Not for the whole window: business time is the database's, and may move on otherwise than this process's clock. */
const BELIEVED_MS = 1_000;

/**
 * Limits attempts that cost much or guess at secrets, by account and by address. PostgreSQL counts, for all gateways together and
 * whatever becomes of Redis; when it does not answer the attempt fails, so nobody guesses uncounted.
 */
export class AttemptLimits {
  readonly #pool: Pool;
  readonly #policies: Policies;
  /** Subjects that were refused: when their window ends, and until when that is believed. Wall clock of this process in ms. */
  readonly #refused = new Map<string, { endsAt: number; believedUntil: number }>();

  constructor(pool: Pool, policies: Policies) {
    this.#pool = pool;
    this.#policies = policies;
  }

  /** Counts an attempt. Null: go on. Rejects when PostgreSQL does not answer. */
  async count(kind: AttemptPolicies, attempt: Attempt): Promise<AttemptRefusal | null> {
    const subjects = this.#subjectsOf(kind, attempt);
    const known = this.#knownRefusal(subjects);
    if (known) return known;
    const counted = await countAttempts(this.#pool, subjects);
    return this.#firstOver(subjects, counted, 0);
  }

  /** Whether so many attempts are left, without counting one: how many at once may be tried, or why none. */
  async look(
    kind: AttemptPolicies,
    attempt: Attempt,
  ): Promise<{ refusal: AttemptRefusal } | { refusal: null; left: { account: number; address: number } }> {
    const subjects = this.#subjectsOf(kind, attempt);
    const found = await readAttempts(this.#pool, subjects);
    const refusal = this.#firstOver(subjects, found, 1);
    if (refusal) return { refusal };
    const left = subjects.map(({ policy }, i) => policy.limit - found[i]!.attempts);
    return { refusal: null, left: { address: left[0]!, account: left[1] ?? Infinity } };
  }

  #subjectsOf(kind: AttemptPolicies, { account, address }: Attempt): Subject[] {
    const subjects = [{ policy: this.#policies[kind.address], hash: sha256(address) }];
    if (account !== null) subjects.push({ policy: this.#policies[kind.account], hash: sha256(account) });
    return subjects;
  }

  /** `needed`: how many more attempts must fit. */
  #firstOver(
    subjects: readonly Subject[],
    found: readonly { attempts: number; leftMs: number }[],
    needed: number,
  ): AttemptRefusal | null {
    const over = subjects.findIndex(({ policy }, i) => found[i]!.attempts + needed > policy.limit);
    if (over < 0) return null;
    const { policy } = subjects[over]!;
    const waitMs = found[over]!.leftMs;
    if (needed === 0) this.#remember(subjects[over]!, waitMs);
    return { policy, waitMs };
  }

  #knownRefusal(subjects: readonly Subject[]): AttemptRefusal | null {
    const now = Date.now();
    for (const subject of subjects) {
      const key = keyOf(subject);
      const refused = this.#refused.get(key);
      if (refused === undefined) continue;
      if (refused.believedUntil > now) return { policy: subject.policy, waitMs: refused.endsAt - now };
      this.#refused.delete(key);
    }
    return null;
  }

  #remember(subject: Subject, waitMs: number): void {
    if (this.#refused.size >= REMEMBERED) this.#refused.clear();
    const now = Date.now();
    this.#refused.set(keyOf(subject), { endsAt: now + waitMs, believedUntil: now + Math.min(waitMs, BELIEVED_MS) });
  }
}

function keyOf({ policy, hash }: Subject): string {
  return policy.name + hash.toString('base64');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
