import type { Pool } from '@holdfast/shared/db/pool';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { Id } from '@holdfast/shared/ids';

export type EndpointId = Id<'whk'>;

export interface EndpointRow {
  id: EndpointId;
  url: string;
  event_types: string[];
  description: string | null;
  status: 'ENABLED' | 'DISABLED';
  disabled_reason: 'gone' | 'by_admin' | null;
  disabled_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = 'id, url, event_types, description, status, disabled_reason, disabled_at, created_at, updated_at';

export async function insertEndpoint(
  tx: Tx,
  endpoint: Pick<EndpointRow, 'id' | 'url' | 'event_types' | 'description'>,
): Promise<EndpointRow> {
  const { rows } = await tx.query<EndpointRow>(
    `insert into webhook_endpoints (id, url, event_types, description)
     values ($1, $2, $3, $4)
     returning ${COLUMNS}`,
    [endpoint.id, endpoint.url, endpoint.event_types, endpoint.description],
  );
  return rows[0]!;
}

export async function findEndpoint(db: Queryable, id: EndpointId): Promise<EndpointRow | null> {
  const { rows } = await db.query<EndpointRow>(
    `select ${COLUMNS} from webhook_endpoints where id = $1 and deleted_at is null`,
    [id],
  );
  return rows[0] ?? null;
}

/** The same, locked until the end of the transaction. */
export async function lockEndpoint(tx: Tx, id: EndpointId): Promise<EndpointRow | null> {
  const { rows } = await tx.query<EndpointRow>(
    `select ${COLUMNS} from webhook_endpoints where id = $1 and deleted_at is null for update`,
    [id],
  );
  return rows[0] ?? null;
}

/** Newest first, those before `before`. */
export async function listEndpointRows(pool: Pool, before: string | null, limit: number): Promise<EndpointRow[]> {
  const { rows } = await pool.query<EndpointRow>(
    `select ${COLUMNS}
       from webhook_endpoints
      where deleted_at is null and ($1::text is null or id < $1)
      order by id desc
      limit $2`,
    [before, limit],
  );
  return rows;
}

/** Writes an endpoint that is locked. Switching it on or off keeps time and reason with it. */
export async function updateEndpoint(
  tx: Tx,
  endpoint: Pick<EndpointRow, 'id' | 'url' | 'event_types' | 'description' | 'status'>,
): Promise<EndpointRow> {
  const { rows } = await tx.query<EndpointRow>(
    `update webhook_endpoints
        set url = $2, event_types = $3, description = $4, status = $5,
            disabled_reason = case when $5 = 'ENABLED' then null else coalesce(disabled_reason, 'by_admin') end,
            disabled_at = case when $5 = 'ENABLED' then null else coalesce(disabled_at, clock.app_now()) end,
            updated_at = clock.app_now()
      where id = $1 and deleted_at is null
      returning ${COLUMNS}`,
    [endpoint.id, endpoint.url, endpoint.event_types, endpoint.description, endpoint.status],
  );
  return rows[0]!;
}

/** Switches an endpoint off that answered 410, unless its address was changed meanwhile. */
export async function disableGone(tx: Tx, id: EndpointId, url: string): Promise<void> {
  await tx.query(
    `update webhook_endpoints
        set status = 'DISABLED', disabled_reason = 'gone', disabled_at = clock.app_now(), updated_at = clock.app_now()
      where id = $1 and url = $2 and status = 'ENABLED' and deleted_at is null`,
    [id, url],
  );
}

/** False when there is none. Its secrets go at once. */
export async function markDeleted(tx: Tx, id: EndpointId): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update webhook_endpoints
        set deleted_at = clock.app_now(), updated_at = clock.app_now()
      where id = $1 and deleted_at is null`,
    [id],
  );
  if (rowCount !== 1) return false;
  await tx.query('delete from webhook_secrets where endpoint_id = $1', [id]);
  return true;
}

/** Ids of the endpoints that want to know of this type. */
export async function listenersOf(tx: Tx, type: string): Promise<EndpointId[]> {
  const { rows } = await tx.query<{ id: EndpointId }>(
    `select id
       from webhook_endpoints
      where status = 'ENABLED' and deleted_at is null and event_types && array['*', $1::text]
      order by id`,
    [type],
  );
  return rows.map(({ id }) => id);
}

/** Makes a secret the current one; the one before signs for `overlapHours` more. */
export async function addSecret(tx: Tx, id: EndpointId, sealedSecret: string, overlapHours: number): Promise<void> {
  await tx.query(
    `update webhook_secrets
        set expires_at = clock.app_now() + make_interval(hours => $2)
      where endpoint_id = $1 and expires_at is null`,
    [id, overlapHours],
  );
  await tx.query('insert into webhook_secrets (endpoint_id, sealed_secret) values ($1, $2)', [id, sealedSecret]);
}

/** What signs now, the current one first; of many rotations within a day the newest five. */
export async function sealedSecretsOf(pool: Pool, id: EndpointId): Promise<string[]> {
  const { rows } = await pool.query<{ sealed_secret: string }>(
    `select sealed_secret
       from webhook_secrets
      where endpoint_id = $1 and (expires_at is null or expires_at > clock.app_now())
      order by id desc
      limit 5`,
    [id],
  );
  return rows.map((row) => row.sealed_secret);
}
