import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type UserId } from '@holdfast/shared/ids';
import {
  dataOf,
  toNotice,
  type AccountNotice,
  type ChannelName,
  type DeliveryId,
  type DeliveryState,
  type LeasedDelivery,
  type Notice,
} from './delivery.ts';

/** Longer than a whole SMTP exchange may take (see email-channel.ts), so that a living sender never loses its lease. */
export const LEASE_SECONDS = 90;
/** A retry message that is this late was lost with the broker's store; the delivery goes on without it. */
const LOST_RETRY_MINUTES = 10;

export interface NewDelivery {
  readonly eventId: string;
  readonly channel: ChannelName;
  readonly recipient: string;
  readonly notice: Notice | AccountNotice;
  readonly traceparent: string | null;
}

/** Writes a delivery that is due at once. False when this event was recorded for this recipient before. */
export async function insertDelivery(tx: Tx, delivery: NewDelivery): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into deliveries (id, event_id, booking_id, user_id, channel, recipient, kind, notice, traceparent)
     values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
     on conflict on constraint deliveries_once_per_recipient do nothing`,
    [
      newId('dlv'),
      delivery.eventId,
      'booking' in delivery.notice ? delivery.notice.booking.booking_id : null,
      dataOf(delivery.notice).user_id,
      delivery.channel,
      delivery.recipient,
      delivery.notice.kind,
      JSON.stringify(dataOf(delivery.notice)),
      delivery.traceparent,
    ],
  );
  return rowCount === 1;
}

/** Whether a booking was told to be confirmed, sent or not yet. */
export async function hasConfirmation(tx: Tx, bookingId: BookingId): Promise<boolean> {
  const { rowCount } = await tx.query(`select from deliveries where booking_id = $1 and kind = 'confirmed' limit 1`, [
    bookingId,
  ]);
  return rowCount === 1;
}

interface LeasedRow {
  id: DeliveryId;
  event_id: string;
  booking_id: BookingId | null;
  user_id: UserId;
  channel: ChannelName;
  recipient: string;
  kind: string;
  notice: unknown;
  traceparent: string | null;
  attempts: number;
  retry_seq: number;
  lease_id: string;
  created_at: Date;
}

/**
 * Leases up to `limit` deliveries to the caller, oldest first: those that are due, those whose sender died, and those whose retry
 * message never came. Each counts one more attempt. One statement, committed before anything is sent.
 */
export async function leaseDue(pool: Pool, limit: number): Promise<LeasedDelivery[]> {
  const { rows } = await pool.query<LeasedRow>({
    name: 'deliveries-lease',
    text: `update deliveries
              set state = 'SENDING',
                  attempts = attempts + 1,
                  lease_id = $1,
                  lease_expires_at = clock.app_now() + make_interval(secs => ${LEASE_SECONDS}),
                  updated_at = clock.app_now()
            where id in (
              select id
                from deliveries
               where (state = 'DUE' and due_at <= (select clock.app_now()))
                  or (state = 'SENDING' and lease_expires_at < (select clock.app_now()))
                  or (state = 'WAITING' and due_at < (select clock.app_now()) - make_interval(mins => ${LOST_RETRY_MINUTES}))
               order by due_at, id
               limit $2
                 for update skip locked)
        returning id, event_id, booking_id, user_id, channel, recipient, kind, notice, traceparent,
                  attempts, retry_seq, lease_id, created_at`,
    values: [newId('att'), limit],
  });
  return rows.map((row) => ({
    id: row.id,
    eventId: row.event_id,
    bookingId: row.booking_id,
    userId: row.user_id,
    channel: row.channel,
    recipient: row.recipient,
    notice: toNotice(row.kind, row.notice),
    traceparent: row.traceparent,
    attempts: row.attempts,
    retrySeq: row.retry_seq,
    leaseId: row.lease_id,
    createdAt: row.created_at,
  }));
}

type Leased = Pick<LeasedDelivery, 'id' | 'leaseId'>;

/** False when the lease was lost meanwhile: somebody else decides about this delivery now. */
export async function markSent(tx: Tx, delivery: Leased, providerMessageId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update deliveries
        set state = 'SENT', provider_message_id = $3, sent_at = clock.app_now(), last_error = null,
            lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where id = $1 and state = 'SENDING' and lease_id = $2`,
    [delivery.id, delivery.leaseId, providerMessageId],
  );
  return rowCount === 1;
}

/** Moves a delivery to WAITING for `delayMs` and numbers its next retry message. Null when the lease was lost meanwhile. */
export async function markWaiting(
  tx: Tx,
  delivery: Leased,
  delayMs: number,
  error: string,
): Promise<{ retrySeq: number; dueAt: Date; at: Date } | null> {
  const { rows } = await tx.query<{ retry_seq: number; due_at: Date; at: Date }>(
    `update deliveries
        set state = 'WAITING', retry_seq = retry_seq + 1, due_at = clock.app_now() + make_interval(secs => $3::float8 / 1000),
            last_error = $4, lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where id = $1 and state = 'SENDING' and lease_id = $2
      returning retry_seq, due_at, clock.app_now() as at`,
    [delivery.id, delivery.leaseId, delayMs, error],
  );
  const row = rows[0];
  return row ? { retrySeq: row.retry_seq, dueAt: row.due_at, at: row.at } : null;
}

/** Moves a delivery to DEAD and numbers the retry message that a replay would use. Null when the lease was lost meanwhile. */
export async function markDead(
  tx: Tx,
  delivery: Leased,
  error: string,
): Promise<{ retrySeq: number; at: Date } | null> {
  const { rows } = await tx.query<{ retry_seq: number; at: Date }>(
    `update deliveries
        set state = 'DEAD', retry_seq = retry_seq + 1, last_error = $3,
            lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where id = $1 and state = 'SENDING' and lease_id = $2
      returning retry_seq, clock.app_now() as at`,
    [delivery.id, delivery.leaseId, error],
  );
  const row = rows[0];
  return row ? { retrySeq: row.retry_seq, at: row.at } : null;
}

/**
 * Makes a delivery due again by its newest retry message. A DEAD one, replayed by an operator, starts with fresh attempts. False
 * when there is nothing to do: it was sent meanwhile, or this message is not the newest.
 */
export async function markDueAgain(tx: Tx, id: DeliveryId, retrySeq: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update deliveries
        set state = 'DUE', due_at = clock.app_now(), attempts = case state when 'DEAD' then 0 else attempts end,
            updated_at = clock.app_now()
      where id = $1 and retry_seq = $2 and state in ('WAITING', 'DEAD')`,
    [id, retrySeq],
  );
  return rowCount === 1;
}

export interface DeliveryRow {
  id: DeliveryId;
  event_id: string;
  booking_id: BookingId;
  channel: ChannelName;
  recipient: string;
  kind: Notice['kind'];
  state: DeliveryState;
  attempts: number;
  due_at: Date;
  provider_message_id: string | null;
  last_error: string | null;
  sent_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** The deliveries of one booking, oldest first. `userId` null reads everybody's. A booking has a handful; 100 bounds the answer. */
export async function readDeliveries(
  pool: Pool,
  filter: { bookingId: BookingId; userId: UserId | null },
): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>(
    `select id, event_id, booking_id, channel, recipient, kind, state, attempts, due_at,
            provider_message_id, last_error, sent_at, created_at, updated_at
       from deliveries
      where booking_id = $1
        and ($2::text is null or user_id = $2)
      order by created_at, id
      limit 100`,
    [filter.bookingId, filter.userId],
  );
  return rows;
}

/** Deliveries that are not finished, by state; for metrics. */
export async function countOpen(pool: Pool): Promise<{ state: DeliveryState; count: number }[]> {
  const { rows } = await pool.query<{ state: DeliveryState; count: number }>(
    `select state, count(*)::int as count
       from deliveries
      where state in ('DUE', 'SENDING', 'WAITING')
      group by state`,
  );
  return rows;
}
