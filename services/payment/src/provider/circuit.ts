import { assertNoOpenTransaction } from '@holdfast/shared/db/transaction';
import { createCircuit, isNotCalled, type CircuitStateName } from '@holdfast/shared/circuit';
import type { Answer, Provider } from './provider.ts';

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

/** Least pause of what is put off, so that it does not spin while the probes are out. */
const LEAST_PAUSE_MS = 250;

/**
 * Puts a circuit breaker around every call of a provider. A call of unknown outcome is a failure, and so is one for which there was
 * no room, since those before it are still unanswered; declines, refusals and a 429 are answers. While the circuit is open the
 * provider is not called: the answer is `later` with the reason `circuit_open`.
 */
export function guardProvider(provider: Provider, options: CircuitOptions): GuardedProvider {
  const random = options.random ?? Math.random;
  const circuit = createCircuit<Answer<unknown>>({ breakMs: options.breakMs, isFailure, onChange: options.onChange });

  /** Full jitter over one break, from its end on: what was put off does not come back as one wave. */
  const putOff = (leftMs: number): Answer<never> => {
    const delayMs = Math.max(LEAST_PAUSE_MS, Math.round(leftMs + random() * options.breakMs));
    return { kind: 'later', delayMs, reason: CIRCUIT_OPEN };
  };

  async function guard<T>(what: string, call: () => Promise<Answer<T>>): Promise<Answer<T>> {
    assertNoOpenTransaction(`provider call ${what}`);
    const answer = await circuit.run(call);
    return isNotCalled(answer) ? putOff(answer.leftMs) : (answer as Answer<T>);
  }

  return {
    state: () => circuit.state(),
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

function isFailure(answer: Answer<unknown>): boolean {
  const { kind, reason } = answer as Answer<unknown> & { reason?: string };
  return kind === 'unknown' || (kind === 'later' && reason === 'provider_busy');
}
