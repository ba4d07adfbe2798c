import type { bookingListQuery, upcomingQuery } from '@holdfast/shared/contracts/bookings';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { Pool } from '@holdfast/shared/db/pool';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { toBookingJson } from './booking-row.ts';
import { listBookings, listUpcoming } from './booking-store.ts';
import { decodeTimeCursor } from './time-cursor.ts';

/** The caller's bookings, newest first; an operator may name a user or, with none named, sees everybody's. @throws Problem `forbidden`. */
export async function listBookingsOf(
  pool: Pool,
  caller: SignedInCaller,
  query: z.output<typeof bookingListQuery>,
): Promise<Page<BookingJson>> {
  const isCustomer = caller.role === 'customer';
  if (isCustomer && query.user_id !== undefined && query.user_id !== caller.userId) throw new Problem('forbidden');
  const { rows, now } = await listBookings(pool, {
    userId: query.user_id ?? caller.userId,
    status: query.status ?? null,
    from: query.from === undefined ? null : new Date(query.from),
    to: query.to === undefined ? null : new Date(query.to),
    after: decodeTimeCursor(decodeCursor(query.cursor, 2)),
    limit: query.limit,
  });
  return toPage(
    rows,
    query.limit,
    (row) => toBookingJson(row, now),
    (row) => [row.cursor_at, row.id],
  );
}

/** The caller's confirmed bookings that are still to come, soonest first. */
export async function listUpcomingOf(
  pool: Pool,
  caller: SignedInCaller,
  query: z.output<typeof upcomingQuery>,
): Promise<Page<BookingJson>> {
  const after = decodeTimeCursor(decodeCursor(query.cursor, 2));
  const { rows, now } = await listUpcoming(pool, caller.userId, after, query.limit);
  return toPage(
    rows,
    query.limit,
    (row) => toBookingJson(row, now),
    (row) => [row.cursor_at, row.id],
  );
}
