import { BrokenCircuitError, CircuitState, circuitBreaker, CountBreaker, handleWhenResult } from 'cockatiel';

export type CircuitStateName = 'closed' | 'half_open' | 'open';

export interface CircuitOptions<T> {
  /** Time without a single call after the circuit opened, in ms. */
  readonly breakMs: number;
  /** Whether a call came back without a useful answer. A refusal is an answer. */
  readonly isFailure: (result: T) => boolean;
  readonly onChange: (state: CircuitStateName) => void;
}

/** The call was not made; `leftMs` is what remains of the break, 0 while the probes are out. */
export interface NotCalled {
  readonly circuit: 'open';
  readonly leftMs: number;
}

export interface Circuit<T> {
  /** Makes the call, or does not. What the call throws is passed on and counts as nothing: calls turn failures into results. */
  run(call: () => Promise<T>): Promise<T | NotCalled>;
  state(): CircuitStateName;
}

/** The last calls that are counted, and from which number of failures among them nothing is sent any more. */
const SAMPLE = 10;
const FAILURES = 5;
/** Calls let through when the break is over; all must be answered for the circuit to close. */
const PROBES = 2;

/**
 * A circuit breaker around the calls to one other program: while it is open nobody waits for an answer that will not come, and the
 * program is left alone to recover.
 */
export function createCircuit<T>(options: CircuitOptions<T>): Circuit<T> {
  const policy = circuitBreaker(
    handleWhenResult((result) => options.isFailure(result as T)),
    {
      // The package opens above the threshold, not at it.
      breaker: new CountBreaker({ threshold: (FAILURES - 0.5) / SAMPLE, size: SAMPLE }),
      halfOpenAfter: options.breakMs,
      halfOpenSampling: { calls: PROBES, threshold: 0 },
    },
  );
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

  const notCalled = (): NotCalled => ({
    circuit: 'open',
    leftMs: Math.max(0, openedAtMs + options.breakMs - Date.now()),
  });

  return {
    state: () => nameOf(policy.state),
    async run(call) {
      if (policy.state === CircuitState.HalfOpen) {
        // The package would let the call wait for the outcome of the probes, and with it whatever the caller holds meanwhile.
        if (probes >= PROBES) return notCalled();
        probes += 1;
      }
      try {
        return await policy.execute(call);
      } catch (error) {
        if (error instanceof BrokenCircuitError) return notCalled();
        throw error;
      }
    },
  };
}

export function isNotCalled(result: unknown): result is NotCalled {
  return typeof result === 'object' && result !== null && 'circuit' in result && result.circuit === 'open';
}

function nameOf(state: CircuitState): CircuitStateName {
  if (state === CircuitState.Closed) return 'closed';
  return state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
