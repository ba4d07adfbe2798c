import type { Tx } from '@holdfast/shared/db/transaction';

/**
 * Whether the money of an intent that no payment of ours has is dealt with: it was paid back from its finding, or a person has resolved
 * that. What the provider still tells of it is for nobody then.
 */
export async function isDealtWith(tx: Tx, provider: string, reference: string): Promise<boolean> {
  const { rows } = await tx.query(
    `select from finding_refunds where provider = $1 and provider_reference = $2 and status <> 'FAILED'
     union all
     select from reconciliation_findings
      where provider = $1
        and provider_reference = $2
        and kind in ('paid_there_not_here', 'duplicate_charge')
        and state = 'RESOLVED'
      limit 1`,
    [provider, reference],
  );
  return rows.length > 0;
}
