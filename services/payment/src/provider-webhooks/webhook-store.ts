import type { Pool } from '@holdfast/shared/db/pool';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';

export interface NewWebhook {
  readonly provider: string;
  readonly eventId: string;
  readonly type: string;
  readonly body: Buffer;
  readonly headers: Record<string, string>;
  readonly requestId: string;
}

/** Keeps a genuine callback as it came. False when it is here already; the first copy stays. */
export async function insertWebhook(db: Queryable, webhook: NewWebhook): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'webhooks-insert',
    text: `insert into provider_events (provider, event_id, type, body, headers, request_id)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (provider, event_id) do nothing`,
    values: [
      webhook.provider,
      webhook.eventId,
      webhook.type,
      webhook.body,
      JSON.stringify(webhook.headers),
      webhook.requestId,
    ],
  });
  return rowCount === 1;
}

export interface StoredWebhook {
  readonly provider: string;
  readonly eventId: string;
  readonly type: string;
  readonly body: Buffer;
  readonly tries: number;
}

/** Takes up to `limit` callbacks that are due, oldest first, for `leaseMs`; other processes skip them until then. */
export async function claimWebhooks(pool: Pool, limit: number, leaseMs: number): Promise<StoredWebhook[]> {
  const { rows } = await pool.query<{ provider: string; event_id: string; type: string; body: Buffer; tries: number }>({
    name: 'webhooks-claim',
    text: `update provider_events event
              set tries = tries + 1,
                  locked_until = clock.app_now() + make_interval(secs => $2::float8 / 1000)
             from (select provider, event_id
                     from provider_events
                    where state = 'RECEIVED'
                      and due_at <= clock.app_now()
                      and (locked_until is null or locked_until < clock.app_now())
                    order by due_at
                    limit $1
                      for update skip locked) due
            where event.provider = due.provider
              and event.event_id = due.event_id
            returning event.provider, event.event_id, event.type, event.body, event.tries`,
    values: [limit, leaseMs],
  });
  return rows.map((row) => ({
    provider: row.provider,
    eventId: row.event_id,
    type: row.type,
    body: row.body,
    tries: row.tries,
  }));
}

/** Ends a callback, in the transaction of what it changed. */
export async function finishWebhook(
  tx: Tx,
  webhook: StoredWebhook,
  end: { state: 'APPLIED' | 'IGNORED'; result: string; paymentId: PaymentId | null },
): Promise<void> {
  await tx.query(
    `update provider_events
        set state = $3, result = $4, payment_id = $5, applied_at = clock.app_now(), locked_until = null
      where provider = $1
        and event_id = $2
        and state = 'RECEIVED'`,
    [webhook.provider, webhook.eventId, end.state, end.result, end.paymentId],
  );
}

/** Puts a callback off whose payment is not known yet. */
export async function parkWebhook(tx: Tx, webhook: StoredWebhook, delayMs: number): Promise<void> {
  await tx.query(
    `update provider_events
        set due_at = clock.app_now() + make_interval(secs => $3::float8 / 1000), locked_until = null, result = 'parked'
      where provider = $1
        and event_id = $2
        and state = 'RECEIVED'`,
    [webhook.provider, webhook.eventId, delayMs],
  );
}
