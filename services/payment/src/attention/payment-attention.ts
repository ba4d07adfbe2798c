import {
  MOST_ITEMS,
  toAttention,
  type AttentionRow,
  type AttentionSource,
} from '@holdfast/shared/attention/attention-source';

/** An outcome that is unknown for longer than this is not found out about by itself. */
const UNKNOWN_LIMIT_SECONDS = 60;

/** Payments whose outcome nobody knows, those that are not about our money, and where the provider's books and ours differ. */
export const paymentAttention: AttentionSource = async (db) => {
  const { rows } = await db.query<AttentionRow>(
    `(select case when mismatch is null then 'payment_unknown' else 'payment_mismatch' end as kind, id, booking_id,
             updated_at as since, coalesce(mismatch, 'the outcome is unknown') as detail,
             (count(*) over (partition by mismatch is null))::int as total
        from payments
       where mismatch is not null
          or (status = 'UNKNOWN' and updated_at <= clock.app_now() - make_interval(secs => $1))
       order by updated_at
       limit $2)
     union all
     (select 'reconciliation_finding', provider_reference, booking_id, found_at, kind || ': ' || detail,
             (count(*) over ())::int
        from reconciliation_findings
       where state = 'OPEN'
       order by found_at
       limit $2)`,
    [UNKNOWN_LIMIT_SECONDS, MOST_ITEMS],
  );
  return toAttention('payment', rows);
};
