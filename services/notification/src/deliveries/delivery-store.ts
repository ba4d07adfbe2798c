import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type Id, type UserId } from '@holdfast/shared/ids';
import {
  dataOf,
  toNotice,
  type AnyNotice,
  type ChannelName,
  type DeliveryId,
  type DeliveryState,
  type LeasedDelivery,
  type Notice,
} from './delivery.ts';

/** What a sender that died had in hand is sent after this time. A living one renews its leases, however long it takes. */
export const LEASE_SECONDS = 30;
/** A retry message that is this late was lost with the broker's store; the delivery goes on without it. */
const LOST_RETRY_MINUTES = 10;
/** Webhooks that are under way to one endpoint at a time. */
export const CALLS_AN_ENDPOINT = 4;

export interface NewDelivery {
  readonly eventId: string;
  readonly channel: ChannelName;
  readonly recipient: string;
  readonly notice: AnyNotice;
  /** Null for what is not about a booking. */
  readonly bookingId: BookingId | null;
  readonly userId: UserId;
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
      delivery.bookingId,
      delivery.userId,
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
  lease_id: Id<'att'>;
  created_at: Date;
}

/**
 * Leases up to `limit` deliveries of a channel to the caller, oldest first: those that are due, those whose sender died (unless
 * `takeOver` is false), and those whose retry message never came; none to where sending is paused. Each counts one more attempt. One statement, committed before anything is
 * sent. Of webhooks an endpoint has so many under way at most, over all processes, that a slow one leaves room for the others.
 */
export async function leaseDue(
  pool: Pool,
  channel: ChannelName,
  limit: number,
  { takeOver }: { readonly takeOver: boolean },
): Promise<LeasedDelivery[]> {
  const { rows } = await pool.query<LeasedRow>({
    name: channel === 'webhook' ? 'deliveries-lease-webhooks' : 'deliveries-lease',
    text: `update deliveries
              set state = 'SENDING',
                  attempts = attempts + 1,
                  lease_id = $1,
                  lease_expires_at = clock.app_now() + make_interval(secs => ${LEASE_SECONDS}),
                  updated_at = clock.app_now()
            where id in (${channel === 'webhook' ? DUE_BY_ENDPOINT : DUE})
        returning id, event_id, booking_id, user_id, channel, recipient, kind, notice, traceparent,
                  attempts, retry_seq, lease_id, created_at`,
    values: [newId('att'), limit, channel, takeOver],
  });
  return rows.map((row) => ({
    id: row.id,
    eventId: row.event_id,
    bookingId: row.booking_id,
    userId: row.user_id,
    channel: row.channel,
    recipient: row.recipient,
    notice: toNotice(row.channel, row.kind, row.notice),
    traceparent: row.traceparent,
    attempts: row.attempts,
    retrySeq: row.retry_seq,
    leaseId: row.lease_id,
    createdAt: row.created_at,
  }));
}

const IS_OPEN = `((state = 'DUE' and due_at <= (select clock.app_now()))
                  or (state = 'SENDING' and $4::boolean and lease_expires_at < (select clock.app_now()))
                  or (state = 'WAITING' and due_at < (select clock.app_now()) - make_interval(mins => ${LOST_RETRY_MINUTES})))`;

const DUE = `select id
                from deliveries
               where channel = $3
                 and ${IS_OPEN}
                 and not exists (select from send_pauses where channel = $3 and recipient = '' and paused_until > (select clock.app_now()))
               order by due_at, id
               limit $2
                 for update skip locked`;

/** Goes from endpoint to endpoint by the index, so that what one has in store costs the others nothing. */
const DUE_BY_ENDPOINT = `
              with recursive endpoints as (
                (select recipient from deliveries
                  where channel = $3 and state in ('DUE', 'SENDING', 'WAITING') order by recipient limit 1)
                union all
                select (select recipient from deliveries
                         where channel = $3 and state in ('DUE', 'SENDING', 'WAITING') and recipient > endpoints.recipient
                         order by recipient limit 1)
                  from endpoints
                 where endpoints.recipient is not null)
              select next.id
                from endpoints
               cross join lateral (
                 select id, due_at
                   from deliveries
                  where channel = $3 and recipient = endpoints.recipient
                    and ${IS_OPEN}
                  order by due_at, id
                  limit greatest(0, ${CALLS_AN_ENDPOINT} - (
                    select count(*) from deliveries under_way
                     where under_way.channel = $3 and under_way.recipient = endpoints.recipient and under_way.state = 'SENDING'
                       and under_way.lease_expires_at >= (select clock.app_now())))
                    for update skip locked) next
               where endpoints.recipient is not null
                 and not exists (select from send_pauses
                                  where channel = $3 and recipient = endpoints.recipient and paused_until > (select clock.app_now()))
               order by next.due_at, next.id
               limit $2`;

type Leased = Pick<LeasedDelivery, 'id' | 'leaseId'>;

/** Gives the leases that are still the caller's their whole time again. */
export async function renewLeases(pool: Pool, deliveries: readonly Leased[]): Promise<void> {
  await pool.query({
    name: 'deliveries-renew',
    text: `update deliveries
              set lease_expires_at = clock.app_now() + make_interval(secs => ${LEASE_SECONDS})
             from unnest($1::text[], $2::text[]) as held (id, lease_id)
            where deliveries.id = held.id
              and deliveries.lease_id = held.lease_id
              and deliveries.state = 'SENDING'`,
    values: [deliveries.map(({ id }) => id), deliveries.map(({ leaseId }) => leaseId)],
  });
}

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

/** Ends a delivery that nobody waits for any more. False when the lease was lost meanwhile. */
export async function markDropped(tx: Tx, delivery: Leased, reason: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update deliveries
        set state = 'DROPPED', last_error = $3, lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where id = $1 and state = 'SENDING' and lease_id = $2`,
    [delivery.id, delivery.leaseId, reason],
  );
  return rowCount === 1;
}

/** Ends all that is on its way to an endpoint. */
export async function dropOpen(tx: Tx, endpointId: string): Promise<void> {
  await tx.query(
    `update deliveries
        set state = 'DROPPED', lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where channel = 'webhook' and recipient = $1 and state in ('DUE', 'SENDING', 'WAITING')`,
    [endpointId],
  );
}

/** Ends all that is on its way to the phone of a user. */
export async function dropOpenTexts(tx: Tx, userId: UserId): Promise<void> {
  await tx.query(
    `update deliveries
        set state = 'DROPPED', lease_id = null, lease_expires_at = null, updated_at = clock.app_now()
      where channel = 'sms' and user_id = $1 and state in ('DUE', 'SENDING', 'WAITING')`,
    [userId],
  );
}

export interface LockedDelivery {
  readonly id: DeliveryId;
  readonly eventId: string;
  readonly state: DeliveryState;
  readonly retrySeq: number;
  readonly traceparent: string | null;
  readonly at: Date;
}

/** A delivery that is there, locked until the end of the transaction. */
export async function lockDelivery(tx: Tx, id: DeliveryId): Promise<LockedDelivery> {
  const { rows } = await tx.query<LockedDelivery>(
    `select id, event_id as "eventId", state, retry_seq as "retrySeq", traceparent, clock.app_now() as at
       from deliveries where id = $1 for update`,
    [id],
  );
  return rows[0]!;
}

/** Makes one that was sent, or that waits, due now with fresh attempts. */
export async function restartDelivery(tx: Tx, id: DeliveryId): Promise<void> {
  await tx.query(
    `update deliveries
        set state = 'DUE', due_at = clock.app_now(), attempts = 0, sent_at = null, updated_at = clock.app_now()
      where id = $1 and state in ('SENT', 'WAITING')`,
    [id],
  );
}

/** Nothing is sent there for `pauseMs`; an empty recipient is the whole channel. A pause is not shortened by another. */
export async function pauseSending(tx: Tx, channel: ChannelName, recipient: string, pauseMs: number): Promise<void> {
  await tx.query(
    `insert into send_pauses (channel, recipient, paused_until)
     values ($1, $2, clock.app_now() + make_interval(secs => $3::float8 / 1000))
     on conflict on constraint send_pauses_one_each
     do update set paused_until = greatest(send_pauses.paused_until, excluded.paused_until)`,
    [channel, recipient, pauseMs],
  );
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
        and ($2::text is null or (user_id = $2 and channel <> 'webhook'))
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
