import type { Pool } from '@holdfast/shared/db/pool';
import { scrapedGauges, seconds } from '@holdfast/shared/telemetry/scraped-gauges';
import type { Registry } from 'prom-client';

/** Shows what is open in the tables of this service. Reads partial indexes, whose size is that of what is open. */
export function showPaymentState(registry: Registry, pool: Pool): void {
  scrapedGauges({
    registry,
    group: 'payments',
    gauges: {
      holdfast_payments_unknown: { help: 'Payments whose outcome nobody knows yet' },
      holdfast_payments_unknown_oldest_timestamp_seconds: { help: 'Since when that is so for the oldest; 0: none' },
      holdfast_payments_mismatch: { help: 'Payments whose money is not what was asked for' },
    },
    read: async () => {
      const { rows } = await pool.query<{ unknown: number; mismatch: number; oldest: Date | null }>(
        `select (count(*) filter (where mismatch is null))::int as unknown,
                (count(*) filter (where mismatch is not null))::int as mismatch,
                min(updated_at) filter (where mismatch is null) as oldest
           from payments
          where mismatch is not null
             or status = 'UNKNOWN'`,
      );
      const { unknown, mismatch, oldest } = rows[0]!;
      return {
        holdfast_payments_unknown: [{ value: unknown }],
        holdfast_payments_unknown_oldest_timestamp_seconds: [{ value: seconds(oldest) }],
        holdfast_payments_mismatch: [{ value: mismatch }],
      };
    },
  });

  scrapedGauges({
    registry,
    group: 'provider_operations',
    gauges: {
      holdfast_provider_operations_due: { help: 'Calls to the provider that are due, by kind', labels: ['kind'] },
      holdfast_provider_operations_oldest_timestamp_seconds: {
        help: 'Since when the oldest of them is due',
        labels: ['kind'],
      },
      holdfast_reconciliation_findings_open: { help: 'Differences to the provider’s books that nobody has settled' },
    },
    read: async () => {
      const [{ rows: due }, { rows: findings }] = await Promise.all([
        pool.query<{ kind: string; calls: number; oldest: Date }>(
          `select kind, count(*)::int as calls, min(due_at) as oldest
             from operations
            where state = 'DUE'
              and due_at <= clock.app_now()
            group by kind`,
        ),
        pool.query<{ open: number }>(`select count(*)::int as open from reconciliation_findings where state = 'OPEN'`),
      ]);
      return {
        holdfast_provider_operations_due: due.map(({ kind, calls }) => ({ labels: { kind }, value: calls })),
        holdfast_provider_operations_oldest_timestamp_seconds: due.map(({ kind, oldest }) => ({
          labels: { kind },
          value: seconds(oldest),
        })),
        holdfast_reconciliation_findings_open: [{ value: findings[0]!.open }],
      };
    },
  });
}
