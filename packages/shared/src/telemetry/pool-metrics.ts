import { Gauge, type Registry } from 'prom-client';
import type { Pool } from '../db/pool.ts';

/**
 * Shows how many connections of a pool are used and idle, and how many callers wait for one. Called before anything else that reads
 * from the pool when Prometheus asks: gauges are collected in the order of their making, and would count each other's queries.
 */
export function showPool(registry: Registry, pool: Pool): void {
  new Gauge({
    name: 'holdfast_database_connections',
    help: 'Connections of this process to PostgreSQL by state, and callers that wait for one',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
}
