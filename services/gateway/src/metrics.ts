import { createMetrics } from '@holdfast/shared/telemetry/metrics';
import { Counter, Gauge } from 'prom-client';

/** What the gateway counts beside the requests themselves. Labels are names of policies and codes, never of clients. */
export function createGatewayMetrics() {
  const metrics = createMetrics('gateway');
  const { registry } = metrics;
  return {
    ...metrics,
    rateLimited: new Counter({
      name: 'holdfast_rate_limited_total',
      help: 'Requests that were refused by a limit, by policy',
      labelNames: ['policy'] as const,
      registers: [registry],
    }),
    links: new Gauge({
      name: 'holdfast_upstream_state',
      help: 'Calls to a service: 0 are sent, 1 are tried, 2 are not sent',
      labelNames: ['service', 'lane'] as const,
      registers: [registry],
    }),
    refused: new Counter({
      name: 'holdfast_refused_total',
      help: 'Requests that were answered with a problem by the gateway itself, by code',
      labelNames: ['code'] as const,
      registers: [registry],
    }),
  };
}

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;
