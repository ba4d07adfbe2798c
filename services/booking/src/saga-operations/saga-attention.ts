import {
  MOST_ITEMS,
  toAttention,
  type AttentionRow,
  type AttentionSource,
} from '@holdfast/shared/attention/attention-source';

/** Checkouts that are STUCK, and those whose answer is overdue. */
export const sagaAttention: AttentionSource = async (db) => {
  const { rows } = await db.query<AttentionRow>(
    `select kind, booking_id as id, booking_id, since, detail, total
       from (select case state when 'STUCK' then 'saga_stuck' else 'saga_overdue' end as kind, booking_id,
                    case state when 'STUCK' then updated_at else deadline_at end as since,
                    case state when 'STUCK' then stuck_reason
                         else state || ' since ' || tries || ' tries' || coalesce(': ' || last_error, '') end as detail,
                    (count(*) over (partition by state = 'STUCK'))::int as total,
                    row_number() over (partition by state = 'STUCK' order by coalesce(deadline_at, updated_at)) as place
               from checkout_sagas
              where state = 'STUCK' or deadline_at <= clock.app_now()) found
      where place <= $1
      order by since`,
    [MOST_ITEMS],
  );
  return toAttention('booking', rows);
};
