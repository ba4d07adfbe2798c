import { apiClient, type ApiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { makeUsers, type BenchUser } from '../load/access-tokens.ts';
import type { Sample } from '../load/sample.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';

/** Sold-out events in which one place comes back, one event after the other over the seconds of a round. */
const LINES = 60;
const WAITERS = 4;
/** Lines that are prepared at the same time. */
const AT_ONCE = 6;
const PATIENCE_MS = 20_000;
const DAY_MS = 86_400_000;

/** How long it takes from the release of a place to the offer, and to its mail; by the times that the database has written down. */
export const waitlist: Bench = {
  name: 'waitlist',
  summary: `time from the release of a place to the offer and its mail, ${LINES} lines of ${WAITERS}`,
  series: [
    { name: 'waitlist-offer', label: 'release to offer', unit: 'offers/s' },
    { name: 'waitlist-mail', label: 'release to mail', unit: 'mails/s' },
  ],
  async prepare({ admin, stack, seconds }) {
    const { gateway } = stack.addresses;
    const session = await apiClient(gateway).post<{ access_token: string }>('/v1/auth/login', stack.adminLogin);
    const operator = apiClient(gateway, session.access_token);
    const venue = await operator.post<{ id: string }>('/v1/venues', {
      ...{ name: 'Arena', time_zone: 'Europe/Paris', currency: 'EUR' },
    });
    const clientOf = ({ token }: BenchUser) => apiClient(gateway, token);
    return {
      async round() {
        const users = await makeUsers(admin, LINES * (WAITERS + 1));
        const lines: Line[] = [];
        for (let from = 0; from < LINES; from += AT_ONCE) {
          const group = Array.from({ length: AT_ONCE }, (_, i) => {
            const [holder, ...waiting] = users.splice(0, WAITERS + 1).map(clientOf);
            return makeLine(operator, venue.id, `Concert ${from + i}`, holder!, waiting);
          });
          lines.push(...(await Promise.all(group)));
        }
        await untilOutboxIsEmpty(admin);
        for (const { holder, bookingId } of lines) {
          await holder.post(`/v1/bookings/${bookingId}/cancel`, { reason: 'changed my mind about it' });
          await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / LINES));
        }
        const { offers, mails } = await untilTold(
          admin,
          lines.map(({ eventId }) => eventId),
        );
        return new Map([
          ['waitlist-offer', toSample(offers, seconds)],
          ['waitlist-mail', toSample(mails, seconds)],
        ]);
      },
    };
  },
};

interface Line {
  readonly eventId: string;
  readonly bookingId: string;
  readonly holder: ApiClient;
}

async function makeLine(
  operator: ApiClient,
  venueId: string,
  name: string,
  holder: ApiClient,
  waiting: readonly ApiClient[],
): Promise<Line> {
  const startsAt = Date.now() + 30 * DAY_MS;
  const { id: eventId } = await operator.post<{ id: string }>('/v1/events', {
    ...{ venue_id: venueId, name, inventory: 'pool', capacity: 1 },
    ...{ starts_at: new Date(startsAt).toISOString(), ends_at: new Date(startsAt + 3 * 3_600_000).toISOString() },
    prices: [{ category: 'standard', amount: 4_500 }],
  });
  const wish = { event_id: eventId, quantity: 1 };
  const { id: bookingId } = await holder.post<{ id: string }>('/v1/bookings', wish);
  for (const waiter of waiting) await waiter.post('/v1/waitlist', wish);
  return { eventId, bookingId, holder };
}

/** Milliseconds from each release to its offer and to its mail. @throws Error when some never come. */
async function untilTold(
  admin: pg.Client,
  eventIds: readonly string[],
): Promise<{ offers: number[]; mails: number[] }> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const { rows } = await admin.query<{ offer: number; mail: number | null }>(
      `select (extract(epoch from w.offered_at - c.released_at) * 1000)::float8 as offer,
              (extract(epoch from d.sent_at - c.released_at) * 1000)::float8 as mail
         from booking.waitlist_entries w
         join booking.pool_claims c on c.event_id = w.event_id and c.released_at is not null
         left join notification.deliveries d on d.booking_id = w.booking_id and d.kind = 'waitlist_offer'
        where w.event_id = any ($1::text[]) and w.status = 'OFFERED'`,
      [eventIds],
    );
    if (rows.length === eventIds.length && rows.every(({ mail }) => mail !== null)) {
      return { offers: rows.map(({ offer }) => offer), mails: rows.map(({ mail }) => mail!) };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not every place that came back was offered with a mail within ${PATIENCE_MS / 1000} s`);
}

function toSample(latencies: readonly number[], seconds: number): Sample {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return {
    ...{ seconds, count: sorted.length, perSecond: sorted.length / seconds },
    ...{ p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) },
    outcomes: { 200: sorted.length },
    cpuUs: {},
    othersShare: null,
  };
}
