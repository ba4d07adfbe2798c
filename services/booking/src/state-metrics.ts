import type { Pool } from '@holdfast/shared/db/pool';
import { scrapedGauges, seconds } from '@holdfast/shared/telemetry/scraped-gauges';
import type { Registry } from 'prom-client';

/** Shows what is open in the tables of this service. Reads partial indexes, whose size is that of what is open. */
export function showBookingState(registry: Registry, pool: Pool): void {
  scrapedGauges({
    registry,
    group: 'holds',
    gauges: {
      holdfast_bookings_unpaid: { help: 'Bookings that hold places and are not paid, by status', labels: ['status'] },
      holdfast_hold_next_expiry_timestamp_seconds: {
        help: 'When the first of the holds that may run out does so; in the past: it should have been freed. 0: there is none',
      },
    },
    read: async () => {
      const { rows } = await pool.query<{ status: string; bookings: number; next_expiry: Date | null }>(
        `select status, count(*)::int as bookings, min(hold_expires_at) filter (where pinned_at is null) as next_expiry
           from bookings
          where status in ('HELD', 'PAYMENT_INITIATED')
          group by status`,
      );
      const of = (status: string) => rows.find((row) => row.status === status)?.bookings ?? 0;
      const expiries = rows.flatMap(({ next_expiry }) => (next_expiry === null ? [] : [next_expiry.getTime()]));
      return {
        holdfast_bookings_unpaid: ['HELD', 'PAYMENT_INITIATED'].map((status) => ({
          labels: { status },
          value: of(status),
        })),
        holdfast_hold_next_expiry_timestamp_seconds: [
          { value: seconds(expiries.length === 0 ? null : new Date(Math.min(...expiries))) },
        ],
      };
    },
  });

  scrapedGauges({
    registry,
    group: 'sagas',
    gauges: {
      holdfast_sagas_open: { help: 'Checkouts that are not finished, by state', labels: ['state'] },
      holdfast_saga_oldest_timestamp_seconds: {
        help: 'Since when the oldest checkout of a state has been in it',
        labels: ['state'],
      },
      holdfast_sagas_overdue: { help: 'Checkouts whose step should have been answered by now' },
      holdfast_sagas_stuck: { help: 'Checkouts that wait for an operator' },
    },
    read: async () => {
      const { rows } = await pool.query<{ state: string; sagas: number; overdue: number; oldest: Date }>(
        `select state, count(*)::int as sagas, min(updated_at) as oldest,
                (count(*) filter (where deadline_at <= clock.app_now()))::int as overdue
           from checkout_sagas
          where next_action_at is not null
             or deadline_at is not null
             or state = 'STUCK'
          group by state`,
      );
      return {
        holdfast_sagas_open: rows.map(({ state, sagas }) => ({ labels: { state }, value: sagas })),
        holdfast_saga_oldest_timestamp_seconds: rows.map(({ state, oldest }) => ({
          labels: { state },
          value: seconds(oldest),
        })),
        holdfast_sagas_overdue: [{ value: rows.reduce((sum, { overdue }) => sum + overdue, 0) }],
        holdfast_sagas_stuck: [{ value: rows.find(({ state }) => state === 'STUCK')?.sagas ?? 0 }],
      };
    },
  });
}
