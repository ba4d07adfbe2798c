import type { Queryable } from '@holdfast/shared/db/transaction';
import type { EventId } from '@holdfast/shared/ids';

/** What the quoter is told about an event's demand, and business time. */
export interface Demand {
  readonly now: Date;
  readonly capacity: number;
  /** Places that are held or sold. */
  readonly taken: number;
}

export async function readDemand(db: Queryable, eventId: EventId): Promise<Demand> {
  const { rows } = await db.query<Demand>(
    `select clock.app_now() as now, capacity,
            case inventory
              when 'pool' then claimed
              else (select count(*) from seat_claims where event_id = events.id and released_at is null)
            end::int as taken
       from events
      where id = $1`,
    [eventId],
  );
  return rows[0]!;
}
