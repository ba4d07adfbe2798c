import { MOST_ITEMS, toAttention, type AttentionRow, type AttentionSource } from './attention-source.ts';

/** Invariants that two checks in a row found violated, and those that could not be checked: what heals between two looks needs nobody. */
export function integrityAttention(service: string): AttentionSource {
  return async (db) => {
    const { rows } = await db.query<AttentionRow>(
      `select 'integrity' as kind, invariant as id, null as booking_id, coalesce(violated_since, last_run_at) as since,
              case status when 'violated' then violations || ' rows break it, e.g. ' || left((examples -> 0)::text, 300)
                          else 'it could not be checked: ' || coalesce(error, 'no reason is known') end as detail,
              (count(*) over ())::int as total
         from integrity_results
        where status = 'failed' or status = 'violated' and violated_since < last_run_at
        order by since
        limit $1`,
      [MOST_ITEMS],
    );
    return toAttention(service, rows);
  };
}
