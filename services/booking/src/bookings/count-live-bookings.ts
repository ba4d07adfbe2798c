import type { Tx } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId } from '@holdfast/shared/ids';

/**
 * Bookings of these events and resources that somebody counts on: held, being paid, paid, confirmed or checked in, or an occurrence of
 * a series that waits, and not over. To
 * rely on the number, lock the inventory first: no hold is granted without that lock.
 */
export async function countLiveBookings(
  tx: Tx,
  of: { readonly eventIds: readonly EventId[]; readonly resourceIds: readonly ResourceId[] },
): Promise<number> {
  const { rows } = await tx.query<{ live: number }>(
    `select count(*)::int as live
       from bookings
      where (event_id = any ($1::text[]) or resource_id = any ($2::text[]))
        and (status in ('HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')
             or (status = 'PENDING' and series_id is not null))
        and ends_at > clock.app_now()`,
    [of.eventIds, of.resourceIds],
  );
  return rows[0]!.live;
}
