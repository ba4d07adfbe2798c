import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { serviceTimeline, type TimelineEntry, type TimelineJson } from '@holdfast/shared/contracts/timeline';
import { isId, timeOfId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { inOrder } from '@holdfast/shared/timeline/timeline-source';
import type { Pool } from 'undici';
import { answerOf, askEach, askService } from '../proxy/ask-service.ts';

/** Two rounds, one after the other: the whole answer comes within 3 s. */
const LIMIT_MS = 1_300;

/**
 * What happened to a booking, over all services. The booking service says whether the caller may see it; then all are asked side by
 * side. One that does not answer is named in `missing`: the rest is shown all the same.
 * @throws Problem `not_found`, or `dependency_unavailable` when the booking service does not answer.
 */
export async function gatherTimeline(
  upstreams: Readonly<Record<'booking' | 'payment' | 'notification', Pool>>,
  assertion: string,
  bookingId: string,
): Promise<TimelineJson> {
  if (!isId('bkg', bookingId)) throw new Problem('not_found');
  const booking = await readBooking(upstreams.booking, assertion, bookingId);
  const question = { path: `/internal/timeline/${bookingId}`, assertion, limitMs: LIMIT_MS };
  const { answers, unreachable } = await askEach(upstreams, (pool) => answerOf(pool, question, serviceTimeline));
  const parts = answers.map(({ entries }) => entries);
  return {
    object: 'list',
    data: inOrder([requestsOf(parts.flat()), ...parts]),
    has_more: false,
    next_cursor: null,
    booking: { id: booking.id, reference: booking.reference, status: booking.status },
    missing: unreachable,
  };
}

async function readBooking(pool: Pool, assertion: string, bookingId: string): Promise<BookingJson> {
  const question = { path: `/v1/bookings/${bookingId}`, assertion, limitMs: LIMIT_MS };
  const { status, text } = await askService(pool, question).catch((error: unknown) => {
    throw new Problem('dependency_unavailable', { detail: 'the booking service does not answer', cause: error });
  });
  if (status === 404) throw new Problem('not_found');
  if (status !== 200) throw new Problem('dependency_unavailable');
  return JSON.parse(text) as BookingJson;
}

/** The requests that led to something, each at the moment when the gateway gave it its id. */
function requestsOf(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const ids = new Set(entries.flatMap(({ cause }) => (isId('req', cause) ? [cause] : [])));
  return [...ids].map((id) => ({
    at: `${new Date(timeOfId(id)).toISOString().slice(0, -1)}000Z`,
    source: 'gateway',
    type: 'request',
    cause: null,
    summary: `request ${id}`,
    data: { id },
  }));
}
