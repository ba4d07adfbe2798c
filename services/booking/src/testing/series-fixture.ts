import type { SeriesJson, SeriesPreviewJson } from '@holdfast/shared/contracts/series';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { newId, type ResourceId, type UserId } from '@holdfast/shared/ids';
import type { FieldError } from '@holdfast/shared/problems';
import { ReferenceNumbers } from '../holds/booking-reference.ts';
import { NO_FEE, type PlatformFee } from '../pricing/platform-fee-rules.ts';
import { seriesRoutes } from '../series/routes.ts';
import { waitlistRoutes } from '../waitlist/routes.ts';
import { onCommit } from './checkout-fixture.ts';
import { HOLD_LIMITS, setupBooking, type BookingFixture } from './booking-fixture.ts';
import { serveRoutes } from './http-fixture.ts';

export const DAY_MS = 86_400_000;
/** Whatever the hour at which a test runs, what begins on the 28th day from today is in the window and what begins on the 35th is not. */
export const SERIES_TIMES = { windowSeconds: 30 * 86_400, holdSeconds: 2 * 86_400 };
export const SERIES_LIMITS = { seriesPerUser: 10, holdsPerUser: 50 };

/** An answer of the series routes; which of its fields there are is for the test to assert. */
export interface SeriesReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Omit<SeriesJson, 'occurrences'> &
    Pick<SeriesPreviewJson, 'price'> & {
      readonly occurrences: readonly (SeriesJson['occurrences'][number] & SeriesPreviewJson['occurrences'][number])[];
      readonly code: string;
      readonly detail: string;
      readonly errors?: FieldError[];
      readonly data: readonly SeriesJson[];
      readonly has_more: boolean;
      readonly next_cursor: string | null;
    };
}

export interface SeriesFixture {
  readonly booking: BookingFixture;
  /** A customer of whom nobody has heard. */
  customer(): UserId;
  /** As a customer, unless `as` says otherwise, with a new key unless one is given, with none for null. */
  post(
    path: string,
    body: object,
    options: { user: UserId; as?: Caller['role']; key?: string | null },
  ): Promise<SeriesReply>;
  get(path: string, options: { user: UserId; as?: Caller['role'] }): Promise<SeriesReply>;
  /** A new resource, open day and night by the half hour at 12.00 a slot, in a venue in UTC. */
  resource(): Promise<ResourceId>;
  stop(): Promise<void>;
}

/** The routes of series and of the waitlist behind HTTP, on a database of its own. */
export async function setupSeries(fee: PlatformFee = NO_FEE): Promise<SeriesFixture> {
  const booking = await setupBooking();
  const http = await serveRoutes(
    seriesRoutes({
      pool: booking.pool,
      references: new ReferenceNumbers(),
      holds: booking.holdDeps,
      times: SERIES_TIMES,
      limits: SERIES_LIMITS,
      fee,
      watch: { changed: () => undefined },
      onCommit,
    }),
    waitlistRoutes({
      ...booking.holdDeps,
      limits: { ...HOLD_LIMITS, waitsPerUser: 10 },
      watch: { changed: () => undefined },
      onCommit,
    }),
  );
  return {
    booking,
    customer: () => newId('usr'),
    post: async (path, body, { user, as = 'customer', key = newId('req') }) =>
      (await http.post(path, body, {
        as,
        userId: user,
        headers: key === null ? {} : { 'idempotency-key': key },
      })) as unknown as SeriesReply,
    get: async (path, { user, as = 'customer' }) =>
      (await http.get(path, { as, userId: user })) as unknown as SeriesReply,
    resource: () => booking.resource(),
    async stop() {
      await http.stop();
      await booking.stop();
    },
  };
}

/** The local time `HH:MM` of the day that is `days` days after today, in UTC. */
export function localIn(days: number, time = '18:00'): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)}T${time}`;
}

/** An hour a week, eight times, from next week on; `over` replaces what a test is about. */
export function aSeries(resourceId: ResourceId, over: object = {}): object {
  return {
    resource_id: resourceId,
    starts_at: localIn(7),
    duration: 'PT1H',
    rrule: 'FREQ=WEEKLY;COUNT=8',
    ...over,
  };
}
