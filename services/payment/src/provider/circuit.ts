import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import { BrokenCircuitError, CircuitState, circuitBreaker, CountBreaker, handleWhenResult } from 'cockatiel';
import type { Answer, Provider } from './provider.ts';

export type CircuitStateName = 'closed' | 'half_open' | 'open';

export interface CircuitOptions {
  /** Time without a single call after the circuit opened. */
  readonly breakMs: number;
  readonly onChange: (state: CircuitStateName) => void;
  /** 0 to 1, exclusive; tests replace it. */
  readonly random?: () => number;
}

export interface GuardedProvider {
  readonly provider: Provider;
  state(): CircuitStateName;
}

/** The last calls that are counted, and from which number of failures among them nothing is sent any more. */
const SAMPLE = 10;
const FAILURES = 5;
/** Calls let through when the break is over; all must be answered for the circuit to close. */
const PROBES = 2;
/** Least pause of what is put off, so that it does not spin while the probes are out. */
const LEAST_PAUSE_MS = 250;

/**
 * Puts a circuit breaker around every call of a provider. A call of unknown outcome is a failure, and so is one for which there was
 * no room, since those before it are still unanswered; declines, refusals and a 429 are answers. While the circuit is open the
 * provider is not called: the answer is `later` with the reason `circuit_open`.
 */
export function guardProvider(provider: Provider, options: CircuitOptions): GuardedProvider {
  const random = options.random ?? Math.random;
  const policy = circuitBreaker(handleWhenResult(isFailure), {
    // The package opens above the threshold, not at it.
    breaker: new CountBreaker({ threshold: (FAILURES - 0.5) / SAMPLE, size: SAMPLE }),
    halfOpenAfter: options.breakMs,
    halfOpenSampling: { calls: PROBES, threshold: 0 },
  });
  let openedAtMs = 0;
  let probes = 0;
  policy.onBreak(() => {
    openedAtMs = Date.now();
  });
  // Emitted by the first call after the break, which is the first probe.
  policy.onHalfOpen(() => {
    probes = 1;
  });
  policy.onStateChange((state) => options.onChange(nameOf(state)));

  /** Full jitter over one break, from its end on: what was put off does not come back as one wave. */
  const putOff = (): Answer<never> => {
    const leftMs = Math.max(0, openedAtMs + options.breakMs - Date.now());
    const delayMs = Math.max(LEAST_PAUSE_MS, Math.round(leftMs + random() * options.breakMs));
    return { kind: 'later', delayMs, reason: CIRCUIT_OPEN };
  };

  async function guard<T>(what: string, call: () => Promise<Answer<T>>): Promise<Answer<T>> {
    assertNoOpenTransaction(`provider call ${what}`);
    if (policy.state === CircuitState.HalfOpen) {
      // The package would let the call wait for the outcome of the probes, and with it the hand and the lease that it occupies.
      if (probes >= PROBES) return putOff();
      probes += 1;
    }
    try {
      return await policy.execute(call);
    } catch (error) {
      if (error instanceof BrokenCircuitError) return putOff();
      throw error;
    }
  }

  return {
    state: () => nameOf(policy.state),
    provider: {
      name: provider.name,
      createIntent: (request) => guard('create intent', () => provider.createIntent(request)),
      confirmIntent: (request) => guard('confirm intent', () => provider.confirmIntent(request)),
      captureIntent: (request) => guard('capture intent', () => provider.captureIntent(request)),
      cancelIntent: (request) => guard('cancel intent', () => provider.cancelIntent(request)),
      retrieveIntent: (reference) => guard('retrieve intent', () => provider.retrieveIntent(reference)),
      refund: (request) => guard('refund', () => provider.refund(request)),
      findRefund: (reference, refundId) => guard('list refunds', () => provider.findRefund(reference, refundId)),
      listIntents: (request) => guard('list intents', () => provider.listIntents(request)),
    },
  };
}

/** Reason of what was put off without a call. */
export const CIRCUIT_OPEN = 'circuit_open';

function isFailure(answer: unknown): boolean {
  const { kind, reason } = answer as Answer<unknown> & { reason?: string };
  return kind === 'unknown' || (kind === 'later' && reason === 'provider_busy');
}

function nameOf(state: CircuitState): CircuitStateName {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
