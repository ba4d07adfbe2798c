import { setTimeout } from 'node:timers/promises';
import { DEADLINE_HEADER } from '@holdfast/shared/http/deadline';
import { Problem } from '@holdfast/shared/problems';
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  CountBreaker,
  handleAll,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import type { Pool } from 'undici';
import { sendCall, type SentCall, type ServiceAnswer } from './service-call.ts';
import { brokeOff, neverSent } from './upstream.ts';

export interface LinkOptions {
  readonly service: string;
  readonly pool: Pool;
  /** Calls under way and waiting; one more is refused at once rather than answered late. */
  readonly maxCalls: number;
  /** Told when calls stop or begin again. */
  readonly onState?: (state: LinkState) => void;
  /** Time without a single call after the breaker opened, in ms. */
  readonly breakMs?: number;
}

export type LinkState = 'closed' | 'half_open' | 'open';

export interface LinkCall extends SentCall {
  /** By when the answer must be here. */
  readonly limitMs: number;
  /** Whether the service carries the same call out once, however often it comes. */
  readonly repeatable: boolean;
}

/** A service that answered lately and refuses connections is being restarted: calls wait for it, within their limit. */
const RESTART_MS = 3_000;
const PAUSES_MS = [25, 50, 100, 150];
const BREAK_MS = 1_000;
/** The last calls that are counted, and from which number of failures among them nothing is sent any more. */
const SAMPLE = 20;
const FAILURES = 10;
/** Kept free for the way back. */
const RETURN_MS = 50;

/**
 * The way to one service for one kind of calls: how many may be under way, when none is sent, which are sent again. A failure is a
 * call without an answer in time; what the service answers, a 503 too, is an answer.
 */
export class ServiceLink {
  readonly #options: LinkOptions;
  readonly #breaker: CircuitBreakerPolicy;
  #calls = 0;
  #answeredAt = -Infinity;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#breaker = circuitBreaker(handleAll, {
      // The package opens above the threshold, not at it.
      breaker: new CountBreaker({ threshold: (FAILURES - 0.5) / SAMPLE, size: SAMPLE }),
      halfOpenAfter: options.breakMs ?? BREAK_MS,
    });
    this.#breaker.onStateChange((state) => options.onState?.(nameOf(state)));
  }

  get state(): LinkState {
    return nameOf(this.#breaker.state);
  }

  /**
   * Sends a call and gives its answer. @throws Problem `overloaded` when too many are under way,
   * `dependency_unavailable` without a cause while the breaker is open; the error of the last try otherwise.
   */
  async call(call: LinkCall): Promise<ServiceAnswer> {
    const { service, maxCalls } = this.#options;
    if (this.#calls >= maxCalls) {
      throw new Problem('overloaded', { detail: `too many calls wait for the ${service} service, try again shortly` });
    }
    // The first call after the break is the probe. The package would let the others wait for its outcome.
    if (this.#breaker.state === CircuitState.HalfOpen) throw this.#away();
    this.#calls += 1;
    try {
      return await this.#breaker.execute(() => this.#tryInTime(call));
    } catch (error) {
      throw error instanceof BrokenCircuitError ? this.#away() : error;
    } finally {
      this.#calls -= 1;
    }
  }

  #away(): Problem {
    return new Problem('dependency_unavailable', { detail: `the ${this.#options.service} service does not answer` });
  }

  async #tryInTime(call: LinkCall): Promise<ServiceAnswer> {
    const until = performance.now() + call.limitMs;
    for (let attempt = 0; ; attempt++) {
      const leftMs = Math.max(1, Math.floor(until - performance.now()));
      try {
        const answer = await sendCall(
          this.#options.pool,
          {
            method: call.method,
            path: call.path,
            headers: [...call.headers, DEADLINE_HEADER, String(Math.max(1, leftMs - RETURN_MS))],
            body: call.body,
            whole: call.whole ?? false,
          },
          leftMs,
        );
        this.#answeredAt = performance.now();
        return answer;
      } catch (error) {
        const pauseMs = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]!;
        if (!this.#mayTryAgain(error, call, attempt) || performance.now() + pauseMs >= until) throw error;
        await setTimeout(attempt === 0 && brokeOff(error) ? 0 : pauseMs);
      }
    }
  }

  /** What never left may always be sent again, what broke off where twice is the same as once. */
  #mayTryAgain(error: unknown, call: LinkCall, attempt: number): boolean {
    const restarts = performance.now() - this.#answeredAt < RESTART_MS;
    if (neverSent(error)) return restarts;
    // A kept-alive connection may close just as it is used, so one repetition is always worth it.
    return brokeOff(error) && call.repeatable && (attempt === 0 || restarts);
  }
}

function nameOf(state: CircuitState): LinkState {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
