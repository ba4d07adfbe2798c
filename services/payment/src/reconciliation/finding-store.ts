import type { FindingJson, FindingKind, FindingState } from '@holdfast/shared/contracts/reconciliation';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, PaymentId } from '@holdfast/shared/ids';
import type { Difference } from './difference-rules.ts';

export interface NewFinding extends Difference {
  readonly provider: string;
  readonly reference: string;
  readonly paymentId: string | null;
  readonly bookingId: string | null;
  readonly currency: string;
  readonly state: 'OPEN' | 'REPAIRED';
}

/**
 * Writes a finding down, or says of one that is known how it stands now. One that a person has resolved stays resolved while it is
 * the same difference.
 */
export async function saveFinding(tx: Tx, finding: NewFinding): Promise<void> {
  await tx.query(
    `insert into reconciliation_findings as known
            (kind, provider, provider_reference, payment_id, booking_id, amount_here, amount_there, currency, state, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (provider, kind, provider_reference) do update
        set payment_id = excluded.payment_id,
            booking_id = excluded.booking_id,
            amount_here = excluded.amount_here,
            amount_there = excluded.amount_there,
            currency = excluded.currency,
            state = case when known.state = 'RESOLVED'
                          and (known.amount_here, known.amount_there, known.currency)
                              is not distinct from (excluded.amount_here, excluded.amount_there, excluded.currency)
                         then known.state else excluded.state end,
            detail = excluded.detail,
            seen_at = clock.app_now()`,
    [
      finding.kind,
      finding.provider,
      finding.reference,
      finding.paymentId,
      finding.bookingId,
      finding.amountHere,
      finding.amountThere,
      finding.currency,
      finding.state,
      finding.detail,
    ],
  );
}

/** Closes what was found about these intents and is found no more, except `kind`, which still is. */
export async function closeFindings(
  tx: Queryable,
  provider: string,
  references: readonly string[],
  kind: FindingKind | null,
): Promise<void> {
  await tx.query(
    `update reconciliation_findings
        set state = 'GONE', seen_at = clock.app_now()
      where provider = $1
        and provider_reference = any($2::text[])
        and state = 'OPEN'
        and ($3::text is null or kind <> $3)`,
    [provider, references, kind],
  );
}

export interface FindingRow {
  id: bigint;
  kind: FindingKind;
  provider: string;
  provider_reference: string;
  payment_id: PaymentId | null;
  booking_id: BookingId | null;
  amount_here: bigint | null;
  amount_there: bigint | null;
  currency: string;
  state: FindingState;
  detail: string;
  found_at: Date;
  seen_at: Date;
  resolved_by: string | null;
  resolved_at: Date | null;
  resolution: string | null;
  /** The last refund that was asked for, as the API shows it. */
  refund: FindingJson['refund'];
}

const COLUMNS = `id, kind, provider, provider_reference, payment_id, booking_id, amount_here, amount_there, currency, state,
            detail, found_at, seen_at, resolved_by, resolved_at, resolution,
            (select jsonb_build_object('id', r.id, 'status', r.status, 'amount', r.amount, 'reason', r.reason,
                                       'requested_by', r.requested_by, 'failure_reason', r.failure_reason)
               from finding_refunds r
              where r.finding_id = reconciliation_findings.id
              order by r.created_at desc, r.id desc
              limit 1) as refund`;

/** Findings after the one with id `after`, oldest first, of a state and kind or of all. */
export async function readFindings(
  db: Queryable,
  query: { state: FindingState | null; kind: FindingKind | null; after: bigint; limit: number },
): Promise<FindingRow[]> {
  const { rows } = await db.query<FindingRow>(
    `select ${COLUMNS}
       from reconciliation_findings
      where id > $1
        and ($2::text is null or state = $2)
        and ($3::text is null or kind = $3)
      order by id
      limit $4`,
    [query.after, query.state, query.kind, query.limit],
  );
  return rows;
}

/** Locks a finding, or null when there is none. */
export async function lockFinding(tx: Tx, id: bigint): Promise<FindingRow | null> {
  const { rows } = await tx.query<FindingRow>(
    `select ${COLUMNS} from reconciliation_findings where id = $1 for update`,
    [id],
  );
  return rows[0] ?? null;
}

/** Closes an open finding by hand; null when it is not open. */
export async function resolveRow(tx: Tx, id: bigint, by: string, reason: string): Promise<FindingRow | null> {
  const { rows } = await tx.query<FindingRow>(
    `update reconciliation_findings
        set state = 'RESOLVED', resolved_by = $2, resolved_at = clock.app_now(), resolution = $3
      where id = $1
        and state = 'OPEN'
      returning ${COLUMNS}`,
    [id, by, reason],
  );
  return rows[0] ?? null;
}

/** Closes a finding whose money went back. A sweep may have seen that first, and said that it is gone. */
export async function resolvePaidBack(tx: Tx, id: bigint, by: string, reason: string): Promise<void> {
  await tx.query(
    `update reconciliation_findings
        set state = 'RESOLVED', resolved_by = $2, resolved_at = clock.app_now(), resolution = $3
      where id = $1
        and state in ('OPEN', 'GONE')`,
    [id, by, reason],
  );
}
