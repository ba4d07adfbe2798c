import type { Pool } from '@holdfast/shared/db/pool';
import type { PaymentId } from '@holdfast/shared/ids';

export interface OpenPayment {
  readonly id: PaymentId;
  /** The intent's id. */
  readonly reference: string;
}

/**
 * Takes up to `limit` payments that are not final, have an intent and no call under way (the driver looks at those by itself), and
 * that nobody has looked at for `everyMs`. Other processes do not get them until as much time has gone by again.
 */
export async function claimOpenPayments(pool: Pool, limit: number, everyMs: number): Promise<OpenPayment[]> {
  const { rows } = await pool.query<{ id: PaymentId; provider_reference: string }>({
    name: 'payments-claim-open',
    text: `update payments payment
              set looked_at = clock.app_now()
             from (select id
                     from payments
                    where provider_reference is not null
                      and status in ('PENDING', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'UNKNOWN')
                      and coalesce(looked_at, created_at) <= clock.app_now() - make_interval(secs => $2::float8 / 1000)
                      and not exists (select from operations
                                       where operations.payment_id = payments.id
                                         and operations.state in ('WAITING', 'DUE'))
                    order by coalesce(looked_at, created_at)
                    limit $1
                      for update skip locked) due
            where payment.id = due.id
            returning payment.id, payment.provider_reference`,
    values: [limit, everyMs],
  });
  return rows.map((row) => ({ id: row.id, reference: row.provider_reference }));
}
