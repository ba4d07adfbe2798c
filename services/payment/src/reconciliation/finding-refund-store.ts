import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type Id } from '@holdfast/shared/ids';
import type { FindingRow } from './finding-store.ts';

/** A refund of an intent that no payment of ours has. */
export interface FindingRefund {
  readonly id: Id<'rfd'>;
  readonly findingId: bigint;
  readonly reference: string;
  readonly paymentId: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly reason: string;
  readonly requestedBy: string;
  /** How often it was taken up, this time included. */
  readonly tries: number;
}

/** Writes the refund of everything that a finding's intent took; false when that intent is being paid back, or was. */
export async function insertFindingRefund(
  tx: Tx,
  finding: FindingRow,
  request: { readonly reason: string; readonly requestedBy: string; readonly cause: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into finding_refunds (id, finding_id, provider, provider_reference, amount, currency, reason, requested_by, cause)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (provider, provider_reference) where status <> 'FAILED' do nothing`,
    [
      newId('rfd'),
      finding.id,
      finding.provider,
      finding.provider_reference,
      finding.amount_there,
      finding.currency,
      request.reason,
      request.requestedBy,
      request.cause,
    ],
  );
  return rowCount === 1;
}

/**
 * Whether an intent is that of a payment of ours, or may be: one whose creation was not answered yet has no reference so far. Money of
 * those goes back by the payment's own refunds.
 */
export async function isOfPayment(tx: Tx, finding: FindingRow): Promise<boolean> {
  const { rows } = await tx.query(
    `select from payments
      where (provider = $1 and provider_reference = $2)
         or (id = $3 and provider_reference is null)
      limit 1`,
    [finding.provider, finding.provider_reference, finding.payment_id],
  );
  return rows.length > 0;
}

/** Takes up to `limit` refunds that are due, for `leaseMs`: others skip them until then. */
export async function claimFindingRefunds(
  pool: Pool,
  provider: string,
  limit: number,
  leaseMs: number,
): Promise<FindingRefund[]> {
  const { rows } = await pool.query<FindingRefundRow>(
    `update finding_refunds refund
        set locked_until = clock.app_now() + make_interval(secs => $3::float8 / 1000),
            tries = refund.tries + 1
       from (select id
               from finding_refunds
              where status = 'PENDING'
                and provider = $1
                and due_at <= clock.app_now()
                and (locked_until is null or locked_until < clock.app_now())
              order by due_at
              limit $2
                for update skip locked) due
      where refund.id = due.id
      returning refund.id, refund.finding_id, refund.provider_reference, refund.amount, refund.currency, refund.reason,
                refund.requested_by, refund.tries,
                coalesce((select payment_id from reconciliation_findings where id = refund.finding_id), '') as payment_id`,
    [provider, limit, leaseMs],
  );
  return rows.map((row) => ({
    id: row.id,
    findingId: row.finding_id,
    reference: row.provider_reference,
    paymentId: row.payment_id,
    amount: row.amount,
    currency: row.currency,
    reason: row.reason,
    requestedBy: row.requested_by,
    tries: row.tries,
  }));
}

interface FindingRefundRow {
  id: Id<'rfd'>;
  finding_id: bigint;
  provider_reference: string;
  payment_id: string;
  amount: bigint;
  currency: string;
  reason: string;
  requested_by: string;
  tries: number;
}

/** Puts a refund off by `pauseMs`: its outcome is open, or the provider wants to be left alone. */
export async function putOffFindingRefund(pool: Pool, id: string, pauseMs: number): Promise<void> {
  await pool.query(
    `update finding_refunds
        set due_at = clock.app_now() + make_interval(secs => $2::float8 / 1000), locked_until = null
      where id = $1
        and status = 'PENDING'`,
    [id, pauseMs],
  );
}

/** Ends a refund; false when it has ended. */
export async function endFindingRefund(
  tx: Tx,
  id: string,
  outcome:
    | { readonly status: 'SUCCEEDED'; readonly reference: string }
    | { readonly status: 'FAILED'; readonly reason: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update finding_refunds
        set status = $2, provider_refund = $3, failure_reason = $4, locked_until = null, updated_at = clock.app_now()
      where id = $1
        and status = 'PENDING'`,
    [
      id,
      outcome.status,
      outcome.status === 'SUCCEEDED' ? outcome.reference : null,
      outcome.status === 'FAILED' ? outcome.reason : null,
    ],
  );
  return rowCount === 1;
}
