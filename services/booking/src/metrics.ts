import { createMetrics } from '@holdfast/shared/telemetry/metrics';
import { Counter, Histogram } from 'prom-client';

/** What this service counts beside its HTTP requests. */
export function createBookingMetrics() {
  const metrics = createMetrics('booking');
  const registers = [metrics.registry];
  return {
    ...metrics,
    batchSize: new Histogram({
      name: 'holdfast_hold_batch_size',
      help: 'Hold commands settled in one transaction',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers,
    }),
    expiredHolds: new Counter({ name: 'holdfast_holds_expired_total', help: 'Holds that ran out', registers }),
    completedBookings: new Counter({
      name: 'holdfast_bookings_completed_total',
      help: 'Bookings whose time was over',
      registers,
    }),
    waitlistOffers: new Counter({
      name: 'holdfast_waitlist_offers_total',
      help: 'Offers that the waitlist loop made; batches of holds make some as well',
      registers,
    }),
    heldOccurrences: new Counter({
      name: 'holdfast_series_occurrences_held_total',
      help: 'Occurrences of series that were held when they came into the window',
      registers,
    }),
    lostOccurrences: new Counter({
      name: 'holdfast_series_occurrences_lost_total',
      help: 'Occurrences of series whose time was not free any more',
      registers,
    }),
    quotes: new Counter({
      name: 'holdfast_quotes_total',
      help: 'Questions to the pricing service by what came of them',
      labelNames: ['outcome'] as const,
      registers,
    }),
  };
}

export type BookingMetrics = ReturnType<typeof createBookingMetrics>;
