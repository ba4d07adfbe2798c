import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { WaitlistEntryJson } from '@holdfast/shared/contracts/waitlist';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId, type BookingId, type UserId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { cancelBooking } from '../bookings/cancel-booking.ts';
import { closeLines } from '../waitlist/close-lines.ts';
import { waitlistRoutes } from '../waitlist/routes.ts';
import { WaitlistServer } from '../waitlist/serve-waitlist.ts';
import { HOLD_LIMITS, aCustomer, aHold, type BookingFixture } from './booking-fixture.ts';
import { onCommit } from './checkout-fixture.ts';
import { serveRoutes, type Reply } from './http-fixture.ts';

export const WAITS_PER_USER = 4;
const watch = { changed: () => undefined };

/** One who waits, with the answer to the call. */
export interface Joined {
  readonly userId: UserId;
  readonly reply: Reply;
  readonly entry: WaitlistEntryJson;
}

/** The waitlist's routes and loops over one fixture. */
export async function waitlistOver(booking: BookingFixture) {
  const { pool, holdDeps } = booking;
  const limits = { ...HOLD_LIMITS, waitsPerUser: WAITS_PER_USER };
  const http = await serveRoutes(
    waitlistRoutes({ pool, layouts: holdDeps.layouts, references: holdDeps.references, limits, watch, onCommit }),
  );
  const logger = createLogger({ service: 'booking-test', level: 'silent' });
  const fixture = {
    http,

    /** Joins as a new customer unless told otherwise. */
    async join(body: object, options: { userId?: UserId; key?: string } = {}): Promise<Joined> {
      const userId = options.userId ?? newId('usr');
      const headers = { 'idempotency-key': options.key ?? newId('req') };
      const reply = await http.post('/v1/waitlist', body, { as: 'customer', userId, headers });
      return { userId, reply, entry: reply.body as unknown as WaitlistEntryJson };
    },

    async read({ userId, entry }: Joined): Promise<WaitlistEntryJson> {
      const reply = await http.get(`/v1/waitlist/${entry.id}`, { as: 'customer', userId });
      return reply.body as unknown as WaitlistEntryJson;
    },

    leave: ({ userId, entry }: Joined, headers: Record<string, string> = {}) =>
      http.post(`/v1/waitlist/${entry.id}/leave`, {}, { as: 'customer', userId, headers }),

    /** The states of these, in their order. */
    statuses: async (joined: readonly Joined[]) =>
      Promise.all(joined.map(async (one) => (await fixture.read(one)).status)),

    /** Lets `processes` loops work until nothing is due; returns the offers they made. */
    async serve(processes = 1): Promise<number> {
      const turns = Array.from({ length: processes }, async () => {
        const server = new WaitlistServer({ holds: holdDeps, logger, onCommit });
        let offered = 0;
        for (let more = true; more;) {
          const round = await server.runOnce();
          offered += round.offered;
          more = round.more;
        }
        return offered;
      });
      return (await Promise.all(turns)).reduce((sum, offered) => sum + offered, 0);
    },

    close: async () => (await closeLines({ pool, onCommit })).closed,

    /** Holds by a new customer; what became of it. */
    async hold(
      body: object,
    ): Promise<{ id: BookingId; caller: SignedInCaller; booking: BookingJson } | { refused: string }> {
      const caller = aCustomer();
      const [result] = await booking.settle(aHold(body, { caller }));
      if (result?.kind !== 'answered') return { refused: result?.kind === 'refused' ? result.refusal.code : 'nothing' };
      const made = JSON.parse(result.answer.body) as BookingJson;
      return { id: made.id as BookingId, caller, booking: made };
    },

    /** As above, where it cannot be refused. */
    async held(body: object) {
      const result = await fixture.hold(body);
      if ('refused' in result) throw new Error(`not held: ${result.refused}`);
      return result;
    },

    async cancel({ id, caller }: { id: BookingId; caller: SignedInCaller }): Promise<void> {
      const scope = { userId: caller.userId, key: newId('req'), fingerprint: 'cancel' };
      await cancelBooking(
        { pool, watch, onCommit },
        { caller, bookingId: id, scope, reason: 'changed my mind about it' },
      );
    },

    /** What the counters of the inventory say against the entries that wait: equal, or the test fails. */
    async miscounted(): Promise<unknown[]> {
      const { rows } = await pool.query<{ id: string; waiting: number }>(
        `select id, waiting, (select count(*) from waitlist_entries w where w.event_id = e.id and w.status = 'WAITING') as entries
           from events e
          where waiting <> (select count(*) from waitlist_entries w where w.event_id = e.id and w.status = 'WAITING')
         union all
         select id, waiting, (select count(*) from waitlist_entries w where w.resource_id = r.id and w.status = 'WAITING')
           from resources r
          where waiting <> (select count(*) from waitlist_entries w where w.resource_id = r.id and w.status = 'WAITING')`,
      );
      return rows;
    },

    stop: () => http.stop(),
  };
  return fixture;
}

export type WaitlistFixture = Awaited<ReturnType<typeof waitlistOver>>;
