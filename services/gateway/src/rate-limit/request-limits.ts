import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import type { Counter } from 'prom-client';
import type { HeaderSink } from '../border/answer-head.ts';
import type { ApiRoute } from '../openapi/route.ts';
import type { SignedIn } from '../identity/user.ts';
import { addressKey } from './address-key.ts';
import { sizeOf, type BucketSize } from './bucket-rules.ts';
import type { LeasedLimiter, Verdict } from './leased-limiter.ts';
import { limitFields, sendLimitFields } from './limit-headers.ts';
import type { Policies, Policy, PolicyName } from './policy-rules.ts';

/** Which limits a route falls under. `checkout` is what a customer needs to finish a purchase. */
export type Lane = 'public' | 'user' | 'checkout' | 'callback' | 'health';

/** One counter for all gateways would be one key that each of them writes to all the time. */
const GLOBAL_SHARDS = 8;

export interface RequestLimitsDeps {
  readonly policies: Policies;
  readonly limiter: LeasedLimiter;
  readonly addressOf: (req: IncomingMessage) => string;
  readonly refused: Counter<'policy'>;
}

/** The layers of limits that a request passes: all together, its address, then the lane of its route. */
export class RequestLimits {
  readonly #deps: RequestLimitsDeps;
  readonly #sizes: Readonly<Record<PolicyName, BucketSize>>;
  #turn = 0;

  constructor(deps: RequestLimitsDeps) {
    this.#deps = deps;
    const sizes = Object.values(deps.policies).map((policy) => {
      const share = policy.name === 'global' ? 1 / GLOBAL_SHARDS : 1;
      return [policy.name, sizeOf(policy, { blocks: policy.name === 'flood', share })] as const;
    });
    this.#sizes = Object.fromEntries(sizes) as Record<PolicyName, BucketSize>;
  }

  /** Before anything is known of a request but its address. @throws Problem `rate_limited`. */
  admitSender(req: IncomingMessage): void | Promise<void> {
    const from = addressKey(this.#deps.addressOf(req));
    const blockedMs = this.#deps.limiter.closedFor(`flood:${from}`);
    if (blockedMs > 0) throw this.#refusal('flood', { ok: false, left: 0, waitMs: blockedMs });
    const overall = this.#takeGlobal();
    const address = this.#take('address', from);
    if (!(overall instanceof Promise) && !(address instanceof Promise)) {
      this.#require('global', overall, from);
      this.#require('address', address, from);
      return;
    }
    return Promise.all([overall, address]).then(([all, one]) => {
      this.#require('global', all, from);
      this.#require('address', one, from);
    });
  }

  /** When it is known who calls which route. Tells the client of its lane. @throws Problem `rate_limited`. */
  admit(lane: Lane, req: IncomingMessage, head: HeaderSink, signedIn: SignedIn | null): void | Promise<void> {
    const from = addressKey(this.#deps.addressOf(req));
    const [name, subject] = laneOf(lane, signedIn, from);
    const verdict = this.#take(name, subject);
    const finish = (given: Verdict) => {
      this.#require(name, given, from);
      sendLimitFields(head, this.#deps.policies[name], given);
    };
    return verdict instanceof Promise ? verdict.then(finish) : finish(verdict);
  }

  /** A refusal by another limit counts towards the block of its sender, too. */
  noteRefusal(req: IncomingMessage, policy: PolicyName): void {
    this.#deps.refused.inc({ policy });
    this.#countRefusal(addressKey(this.#deps.addressOf(req)));
  }

  #take(name: PolicyName, subject: string): Verdict | Promise<Verdict> {
    return this.#deps.limiter.take(`${name}:${subject}`, this.#sizes[name]);
  }

  #takeGlobal(): Verdict | Promise<Verdict> {
    this.#turn = (this.#turn + 1) % GLOBAL_SHARDS;
    return this.#take('global', String(this.#turn));
  }

  #require(name: PolicyName, verdict: Verdict, from: string): void {
    if (verdict.ok) return;
    this.#countRefusal(from);
    throw this.#refusal(name, verdict);
  }

  #countRefusal(from: string): void {
    void this.#take('flood', from);
  }

  #refusal(name: PolicyName, verdict: Verdict): Problem {
    this.#deps.refused.inc({ policy: name });
    return rateLimited(this.#deps.policies[name], verdict);
  }
}

/** Under which policy a call of a lane is counted, and for whom. */
function laneOf(lane: Lane, signedIn: SignedIn | null, from: string): [PolicyName, string] {
  if (lane === 'callback' || lane === 'health' || lane === 'public') return [lane, from];
  // Nobody is signed in: the call will be refused, and until then its address answers for it.
  if (signedIn === null) return ['public', from];
  const { id, role } = signedIn.user;
  return role === 'customer' ? [lane, id] : ['staff', `${lane}:${id}`];
}

/** The lane of a route of the table. */
export function laneOfRoute(route: ApiRoute): Lane {
  return route.lane ?? route.access;
}

export function rateLimited(policy: Policy, verdict: Verdict): Problem {
  const seconds = Math.max(1, Math.ceil(verdict.waitMs / 1000));
  return new Problem('rate_limited', {
    detail: `the limit "${policy.name}" is used up: ${policy.limit} in ${policy.windowSeconds} s; try again in ${seconds} s`,
    headers: { ...limitFields(policy, verdict), 'Retry-After': String(seconds) },
  });
}
