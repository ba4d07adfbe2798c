import type { CircuitStateName } from '@holdfast/shared/circuit';
import { createMetrics, type Metrics } from '@holdfast/shared/telemetry/metrics';
import { Counter, Gauge, Histogram } from 'prom-client';

export interface PaymentMetrics extends Metrics {
  readonly calls: Histogram<'kind' | 'outcome'>;
  readonly webhooks: Counter<'result'>;
  readonly applied: Counter<'result'>;
  readonly looks: Counter<'result'>;
  /** 1 for the present state, 0 for the others. */
  readonly circuit: Gauge<'state'>;
  readonly circuitChanges: Counter<'state'>;
}

/** The process's registry with what this service counts beside HTTP. Ids never become labels; they go to the log. */
export function createPaymentMetrics(): PaymentMetrics {
  const metrics = createMetrics('payment');
  const registers = [metrics.registry];
  return {
    ...metrics,
    calls: new Histogram({
      name: 'holdfast_provider_operation_duration_seconds',
      help: 'Time from taking an operation up to its committed result, by kind and outcome',
      labelNames: ['kind', 'outcome'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    webhooks: new Counter({
      name: 'holdfast_provider_webhooks_total',
      help: 'Callbacks received, by what became of the request',
      labelNames: ['result'],
      registers,
    }),
    applied: new Counter({
      name: 'holdfast_provider_webhooks_applied_total',
      help: 'Stored callbacks taken up, by what they changed',
      labelNames: ['result'],
      registers,
    }),
    circuit: new Gauge({
      name: 'holdfast_provider_circuit_state',
      help: 'State of the circuit breaker around the provider: 1 for the present one, 0 for the others',
      labelNames: ['state'],
      registers,
    }),
    circuitChanges: new Counter({
      name: 'holdfast_provider_circuit_changes_total',
      help: 'Changes of the circuit breaker around the provider, by the state that it came to',
      labelNames: ['state'],
      registers,
    }),
    looks: new Counter({
      name: 'holdfast_payment_looks_total',
      help: 'Open payments compared with their intents, by what the look brought',
      labelNames: ['result'],
      registers,
    }),
  };
}

const CIRCUIT_STATES: readonly CircuitStateName[] = ['closed', 'half_open', 'open'];

/** Shows the circuit's state as of now. */
export function showCircuit(metrics: PaymentMetrics, present: CircuitStateName): void {
  for (const state of CIRCUIT_STATES) metrics.circuit.set({ state }, state === present ? 1 : 0);
}
