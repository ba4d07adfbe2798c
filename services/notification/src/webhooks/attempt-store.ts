import type { Pool } from '@holdfast/shared/db/pool';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { Id } from '@holdfast/shared/ids';
import type { DeliveryId, DeliveryState } from '../deliveries/delivery.ts';
import type { EndpointId } from './endpoint-store.ts';

export type AttemptId = Id<'att'>;

export interface NewAttempt {
  readonly id: AttemptId;
  readonly endpointId: EndpointId;
  readonly deliveryId: DeliveryId;
  readonly eventId: string;
  readonly eventType: string;
  readonly attempt: number;
  readonly url: string;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  /** Null when it succeeded. */
  readonly error: string | null;
  readonly durationMs: number;
}

export async function insertAttempt(tx: Tx, attempt: NewAttempt): Promise<void> {
  await tx.query(
    `insert into webhook_attempts (id, endpoint_id, delivery_id, event_id, event_type, attempt, url, status,
                                   response_status, response_body, error, duration_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      attempt.id,
      attempt.endpointId,
      attempt.deliveryId,
      attempt.eventId,
      attempt.eventType,
      attempt.attempt,
      attempt.url,
      attempt.error === null ? 'SUCCEEDED' : 'FAILED',
      attempt.responseStatus,
      attempt.responseBody,
      attempt.error,
      attempt.durationMs,
    ],
  );
}

export interface AttemptRow {
  id: AttemptId;
  endpoint_id: EndpointId;
  delivery_id: DeliveryId;
  event_id: string;
  event_type: string;
  attempt: number;
  url: string;
  status: 'SUCCEEDED' | 'FAILED';
  response_status: number | null;
  response_body: string | null;
  error: string | null;
  duration_ms: number;
  created_at: Date;
  delivery_state: DeliveryState;
  due_at: Date;
}

const SELECT = `select a.id, a.endpoint_id, a.delivery_id, a.event_id, a.event_type, a.attempt, a.url, a.status, a.response_status,
       a.response_body, a.error, a.duration_ms, a.created_at, d.state as delivery_state, d.due_at
  from webhook_attempts a
  join deliveries d on d.id = a.delivery_id`;

/** Newest first, those before `before`. */
export async function listAttemptRows(
  pool: Pool,
  filter: { endpointId: EndpointId; status: string | null; before: string | null; limit: number },
): Promise<AttemptRow[]> {
  const { rows } = await pool.query<AttemptRow>(
    `${SELECT}
      where a.endpoint_id = $1
        and ($2::text is null or a.status = $2)
        and ($3::text is null or a.id < $3)
      order by a.id desc
      limit $4`,
    [filter.endpointId, filter.status, filter.before, filter.limit],
  );
  return rows;
}

export async function findAttempt(db: Queryable, endpointId: EndpointId, id: AttemptId): Promise<AttemptRow | null> {
  const { rows } = await db.query<AttemptRow>(`${SELECT} where a.endpoint_id = $1 and a.id = $2`, [endpointId, id]);
  return rows[0] ?? null;
}

/** Removes at most `limit` attempts that are older than so many days, the oldest first; how many there were. */
export async function deleteOldAttempts(pool: Pool, days: number, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from webhook_attempts
      where ctid = any (array(select ctid
                                from webhook_attempts
                               where created_at < (select clock.app_now()) - make_interval(days => $1)
                               order by created_at
                               limit $2
                                 for update skip locked))`,
    [days, limit],
  );
  return rowCount ?? 0;
}
