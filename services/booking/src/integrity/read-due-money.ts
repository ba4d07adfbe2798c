import type { DueMoney } from '@holdfast/shared/contracts/money-check';
import type { Pool } from '@holdfast/shared/db/pool';
import type { BookingId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';

/** Small enough that a page is read in a moment. */
const PAGE = 500;
/** What changed since then may be on its way to the payment service still. */
const REST_SECONDS = 60;

interface DueRow {
  booking_id: BookingId;
  reference: string;
  status: string;
  price: bigint;
  currency: string;
  keeps: bigint;
  settled: boolean;
}

/**
 * A page of bookings that went to a checkout, the newest below `before` first: what each may keep by the state of its checkout. Those
 * whose checkout is under way, stuck, or changed within the last minute are left out.
 */
export async function readDueMoney(pool: Pool, before: BookingId | null): Promise<DueMoney> {
  const { rows } = await pool.query<DueRow>(
    `select b.id as booking_id, b.reference, b.status, b.price_amount as price, b.price_currency as currency,
            case s.state when 'CONFIRMED' then b.price_amount
                         when 'CLOSED' then b.price_amount
                         when 'REFUNDED' then b.price_amount - coalesce(s.refund_amount, b.price_amount)
                         else 0 end as keeps,
            s.state in ('CONFIRMED', 'CLOSED', 'REFUNDED', 'DECLINED', 'FAILED', 'VOIDED')
              and greatest(s.updated_at, b.updated_at) <= clock.app_now() - make_interval(secs => $3) as settled
       from checkout_sagas s
       join bookings b on b.id = s.booking_id
      where ($1::text is null or s.booking_id < $1)
      order by s.booking_id desc
      limit $2`,
    [before, PAGE, REST_SECONDS],
  );
  return {
    data: rows
      .filter(({ settled }) => settled)
      .map(({ booking_id, reference, status, price, currency, keeps }) => ({
        ...{ booking_id, reference, status, currency },
        price: amountToJson(price),
        keeps: amountToJson(keeps),
      })),
    next: rows.length === PAGE ? rows.at(-1)!.booking_id : null,
  };
}
