import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { Difference, FindingKind } from './difference-rules.ts';

export type FindingState = 'OPEN' | 'REPAIRED' | 'GONE';

export interface NewFinding extends Difference {
  readonly provider: string;
  readonly reference: string;
  readonly paymentId: string | null;
  readonly bookingId: string | null;
  readonly currency: string;
  readonly state: 'OPEN' | 'REPAIRED';
}

/** Writes a finding down, or says of one that is known how it stands now. */
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
            state = excluded.state,
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
  kind: FindingKind;
  provider: string;
  provider_reference: string;
  payment_id: string | null;
  booking_id: string | null;
  amount_here: bigint | null;
  amount_there: bigint | null;
  currency: string;
  state: FindingState;
  detail: string;
  found_at: Date;
  seen_at: Date;
}

/** Findings of a state, or all of them, oldest first. */
export async function readFindings(db: Queryable, state: FindingState | null, limit: number): Promise<FindingRow[]> {
  const { rows } = await db.query<FindingRow>(
    `select kind, provider, provider_reference, payment_id, booking_id, amount_here, amount_there, currency, state, detail,
            found_at, seen_at
       from reconciliation_findings
      where $1::text is null
         or state = $1
      order by found_at, provider_reference, kind
      limit $2`,
    [state, limit],
  );
  return rows;
}
