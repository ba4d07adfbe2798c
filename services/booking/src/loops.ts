import type { Pool } from '@holdfast/shared/db/pool';
import { LoopLock } from '@holdfast/shared/locks/loop-lock';
import { Loop } from '@holdfast/shared/loop';
import type { Redis } from '@holdfast/shared/redis/redis';
import { createPruneLoop } from '@holdfast/shared/retention/prune-old-rows';
import type { Logger } from 'pino';
import type { BookingWatch } from './bookings/booking-watch.ts';
import { expireHolds } from './bookings/expire-holds.ts';
import { tellExpiries } from './bookings/tell-expiries.ts';
import { driveSagas } from './checkout-saga/saga-driver.ts';
import { driveCancellations } from './event-cancellation/drive-cancellations.ts';
import { driveReschedules } from './event-reschedule/drive-reschedules.ts';
import type { HoldDeps } from './holds/settle-hold-batch.ts';
import type { BookingMetrics } from './metrics.ts';
import { pruneSearch } from './search/prune-search.ts';
import type { SeriesTimes } from './series/create-series.ts';
import { holdDueOccurrences } from './series/hold-due-occurrences.ts';
import { completeEndedBookings } from './tickets/complete-ended-bookings.ts';
import { closeLines } from './waitlist/close-lines.ts';
import { WaitlistServer } from './waitlist/serve-waitlist.ts';

export interface LoopDeps {
  readonly pool: Pool;
  readonly holds: HoldDeps;
  /** Null without Redis: then every replica runs every round, which is as right and a little more work. */
  readonly redis: Redis | null;
  readonly watch: BookingWatch;
  readonly onCommit: () => void;
  readonly logger: Logger;
  readonly metrics: BookingMetrics;
  readonly series: SeriesTimes;
}

/** What happens without anybody asking. Each may run in any number of processes at once. */
export function createLoops(deps: LoopDeps): readonly Loop[] {
  const { pool, holds, redis, watch, onCommit, logger, metrics, series } = deps;
  const takingTurns = (name: string) => new LoopLock({ redis, name });
  const expiry = takingTurns('expire-holds');
  const sagas = takingTurns('drive-sagas');
  const completion = takingTurns('complete-bookings');
  const waitlist = new WaitlistServer({ holds, logger, onCommit });
  const closing = takingTurns('close-lines');
  const occurrences = takingTurns('hold-occurrences');
  return [
    createPruneLoop({ pool, logger }),
    new Loop({
      name: 'expire-holds',
      intervalMs: 500,
      logger,
      runOnce: async () => {
        const round = await expiry.run(() => expireHolds({ pool, watch, onCommit }));
        metrics.expiredHolds.inc(round?.expired ?? 0);
        return { more: round?.more ?? false };
      },
    }),
    // Two thousand a second: 50,000 that lapsed together are told within half a minute.
    new Loop({
      name: 'tell-expiries',
      intervalMs: 250,
      logger,
      runOnce: async () => {
        await tellExpiries({ pool, onCommit });
        return { more: false };
      },
    }),
    new Loop({
      name: 'drive-sagas',
      intervalMs: 1_000,
      logger,
      runOnce: async () => ({ more: (await sagas.run(() => driveSagas({ pool, logger, onCommit })))?.more ?? false }),
    }),
    new Loop({
      name: 'complete-bookings',
      intervalMs: 5_000,
      logger,
      runOnce: async () => {
        const round = await completion.run(() => completeEndedBookings({ pool, watch }));
        metrics.completedBookings.inc(round?.completed ?? 0);
        return { more: round?.more ?? false };
      },
    }),
    new Loop({
      name: 'hold-occurrences',
      intervalMs: 2_000,
      logger,
      runOnce: async () => {
        const round = await occurrences.run(() => holdDueOccurrences({ pool, times: series, onCommit, logger }));
        metrics.heldOccurrences.inc(round?.held ?? 0);
        metrics.lostOccurrences.inc(round?.lost ?? 0);
        return { more: round?.more ?? false };
      },
    }),
    // Paced by its own table for all processes together, so it needs no turns.
    new Loop({
      name: 'cancel-events',
      intervalMs: 200,
      logger,
      runOnce: () => driveCancellations({ pool, watch, onCommit, logger }),
    }),
    new Loop({
      name: 'prune-search',
      intervalMs: 60_000,
      logger,
      runOnce: () => pruneSearch(pool),
    }),
    new Loop({
      name: 'move-bookings',
      intervalMs: 200,
      logger,
      runOnce: () => driveReschedules({ pool, watch, onCommit }),
    }),
    // No turns: an offer is due within 2 s of a release, also when the process whose turn it was has just died.
    new Loop({
      name: 'serve-waitlist',
      intervalMs: 200,
      logger,
      runOnce: async () => {
        const round = await waitlist.runOnce();
        metrics.waitlistOffers.inc(round.offered);
        return round;
      },
    }),
    new Loop({
      name: 'close-lines',
      intervalMs: 5_000,
      logger,
      runOnce: async () => ({ more: (await closing.run(() => closeLines({ pool, onCommit })))?.more ?? false }),
    }),
  ];
}
