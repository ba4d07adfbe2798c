import type { Pool } from '@holdfast/shared/db/pool';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { Id, PaymentId } from '@holdfast/shared/ids';
import { newId } from '@holdfast/shared/ids';
import { sentKey, type Operation, type OperationKind } from './operation.ts';

export interface PlannedOperation {
  readonly paymentId: PaymentId;
  readonly kind: OperationKind;
  readonly attempt: number | null;
  readonly refundId: Id<'rfd'> | null;
  readonly idempotencyKey: string;
  readonly state: 'WAITING' | 'DUE';
  readonly cause: string;
}

interface OperationRow {
  id: Id<'opr'>;
  payment_id: PaymentId;
  booking_id: Operation['bookingId'];
  kind: OperationKind;
  attempt: number | null;
  refund_id: Id<'rfd'> | null;
  idempotency_key: string;
  key_generation: number;
  mode: 'SEND' | 'LOOK';
  tries: number;
  provider_reference: string | null;
  amount: bigint;
  currency: string;
  reference: string;
  payment_method: string | null;
  refund_amount: bigint | null;
  former_charges: string[];
  void_unless_paid: boolean;
}

/** Tokens in the bucket now: what was left, and what has flowed in since; never more than those of one second. */
const FILLED = `least($3::float8, pace.tokens + $3 * greatest(0, extract(epoch from clock.app_now() - pace.filled_at)))`;

/** What the driver needs of `operation` and its `payment`; for a returning clause. */
const OPERATION_COLUMNS = `
  operation.id, operation.payment_id, payment.booking_id, operation.kind, operation.attempt, operation.refund_id,
  operation.idempotency_key, operation.key_generation, operation.mode, operation.tries, payment.provider_reference, payment.amount,
  payment.currency, payment.reference, payment.void_unless_paid,
  (select payment_method from attempts
    where attempts.payment_id = payment.id and attempts.number = operation.attempt) as payment_method,
  (select refunds.amount from refunds where refunds.id = operation.refund_id) as refund_amount,
  array(select provider_charge from attempts
         where attempts.payment_id = payment.id
           and attempts.number <> operation.attempt
           and provider_charge is not null) as former_charges`;

function toOperation(row: OperationRow): Operation {
  return {
    id: row.id,
    paymentId: row.payment_id,
    bookingId: row.booking_id,
    kind: row.kind,
    attempt: row.attempt,
    refundId: row.refund_id,
    idempotencyKey: sentKey(row.idempotency_key, row.key_generation),
    mode: row.mode,
    tries: row.tries,
    reference: row.provider_reference,
    amount: row.amount,
    currency: row.currency,
    description: row.reference,
    paymentMethod: row.payment_method,
    refundAmount: row.refund_amount,
    unlessPaid: row.void_unless_paid,
    formerCharges: row.former_charges,
  };
}

/** Writes operations down before they are carried out. One that is planned already, by its key, stays as it is. */
export async function insertOperations(tx: Tx, planned: readonly PlannedOperation[]): Promise<void> {
  await tx.query(
    `insert into operations (id, payment_id, kind, attempt, refund_id, idempotency_key, state, cause)
     select id, payment_id, kind, attempt, refund_id, idempotency_key, state, cause
       from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[])
         as row (id, payment_id, kind, attempt, refund_id, idempotency_key, state, cause)
     on conflict (idempotency_key) do nothing`,
    [
      planned.map(() => newId('opr')),
      planned.map((each) => each.paymentId),
      planned.map((each) => each.kind),
      planned.map((each) => each.attempt),
      planned.map((each) => each.refundId),
      planned.map((each) => each.idempotencyKey),
      planned.map((each) => each.state),
      planned.map((each) => each.cause),
    ],
  );
}

/**
 * Takes up to `limit` due operations other than refunds for `leaseMs`. Other processes skip them until then; a lost lease does no
 * harm.
 */
export async function claimDueCalls(pool: Pool, limit: number, leaseMs: number): Promise<Operation[]> {
  const { rows } = await pool.query<OperationRow>({
    name: 'operations-claim-calls',
    text: `update operations operation
              set locked_until = clock.app_now() + make_interval(secs => $2::float8 / 1000),
                  tries = operation.tries + 1
             from (select id
                     from operations
                    where state = 'DUE'
                      and kind <> 'refund'
                      and due_at <= clock.app_now()
                      and (locked_until is null or locked_until < clock.app_now())
                    order by due_at
                    limit $1
                      for update skip locked) due,
                  payments payment
            where operation.id = due.id
              and payment.id = operation.payment_id
            returning ${OPERATION_COLUMNS}`,
    values: [limit, leaseMs],
  });
  return rows.map(toOperation);
}

/**
 * Takes up to `limit` due refunds for `leaseMs`, but together with all other processes no more than `perSecond`: each taken one
 * costs a token of the bucket, which holds those of one second. The bucket is touched only when a refund is due.
 */
export async function claimDueRefunds(
  pool: Pool,
  limit: number,
  perSecond: number,
  leaseMs: number,
): Promise<Operation[]> {
  const { rows } = await pool.query<OperationRow>({
    name: 'operations-claim-refunds',
    text: `with wanted as (
             select id, due_at
               from operations
              where state = 'DUE'
                and kind = 'refund'
                and due_at <= clock.app_now()
                and (locked_until is null or locked_until < clock.app_now())
              order by due_at
              limit $1
                for update skip locked
           ), turn as (
             update refund_pace pace
                set granted = least(want.count, floor(${FILLED})),
                    tokens = ${FILLED} - least(want.count, floor(${FILLED})),
                    filled_at = clock.app_now()
               from (select count(*)::int as count from wanted) want
              where want.count > 0
             returning pace.granted
           )
           update operations operation
              set locked_until = clock.app_now() + make_interval(secs => $2::float8 / 1000),
                  tries = operation.tries + 1
             from (select id from wanted order by due_at limit (select granted from turn)) due,
                  payments payment
            where operation.id = due.id
              and exists (select from turn)
              and payment.id = operation.payment_id
            returning ${OPERATION_COLUMNS}`,
    values: [limit, leaseMs, perSecond],
  });
  return rows.map(toOperation);
}

/** Takes the operations of a payment that waited for the intent's id and hands them to the caller, already leased. */
export async function releaseWaiting(tx: Tx, paymentId: PaymentId, leaseMs: number): Promise<Operation[]> {
  const { rows } = await tx.query<OperationRow>(
    `update operations operation
        set state = 'DUE',
            due_at = clock.app_now(),
            locked_until = clock.app_now() + make_interval(secs => $2::float8 / 1000),
            tries = operation.tries + 1
       from payments payment
      where operation.payment_id = $1
        and operation.state = 'WAITING'
        and payment.id = operation.payment_id
      returning ${OPERATION_COLUMNS}`,
    [paymentId, leaseMs],
  );
  return rows.map(toOperation);
}

/** Ends one operation. False when it had ended before. */
export async function finishOperation(tx: Tx, id: Id<'opr'>, outcome: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update operations
        set state = 'DONE', outcome = $2, finished_at = clock.app_now(), locked_until = null
      where id = $1
        and state = 'DUE'`,
    [id, outcome],
  );
  return rowCount === 1;
}

/** Puts one operation off and gives its lease back. Does nothing when it has ended. */
export async function postponeOperation(
  tx: Queryable,
  id: Id<'opr'>,
  change: { mode: Operation['mode']; delayMs: number; reason: string; freshKey?: boolean },
): Promise<void> {
  await tx.query(
    `update operations
        set mode = $2,
            put_off = $5,
            due_at = clock.app_now() + make_interval(secs => $3::float8 / 1000),
            key_generation = key_generation + $4,
            locked_until = null
      where id = $1
        and state = 'DUE'`,
    [id, change.mode, change.delayMs, change.freshKey ? 1 : 0, change.reason],
  );
}

/**
 * Makes due at once what was put off for one of the reasons, and returns how many operations that are. What is leased is being
 * carried out and is left alone.
 */
export async function hastenOperations(tx: Tx, reasons: readonly string[]): Promise<number> {
  const { rowCount } = await tx.query(
    `update operations
        set due_at = clock.app_now()
      where state = 'DUE'
        and due_at > clock.app_now()
        and put_off = any($1::text[])
        and (locked_until is null or locked_until < clock.app_now())`,
    [reasons],
  );
  return rowCount ?? 0;
}

/** Ends what a fact made needless, whatever its state; `kinds` of the attempt, or of any attempt when `attempt` is null. */
export async function endOperations(
  tx: Tx,
  paymentId: PaymentId,
  kinds: readonly OperationKind[],
  attempt: number | null,
  outcome: string,
): Promise<void> {
  await tx.query(
    `update operations
        set state = 'DONE', outcome = $4, finished_at = clock.app_now(), locked_until = null
      where payment_id = $1
        and state in ('WAITING', 'DUE')
        and kind = any($2::text[])
        and ($3::int is null or attempt = $3)`,
    [paymentId, kinds, attempt, outcome],
  );
}

export async function endRefundOperation(tx: Tx, refundId: Id<'rfd'>, outcome: string): Promise<void> {
  await tx.query(
    `update operations
        set state = 'DONE', outcome = $2, finished_at = clock.app_now(), locked_until = null
      where refund_id = $1
        and state = 'DUE'`,
    [refundId, outcome],
  );
}

/**
 * Withdraws operations that were never taken up, and tells which kinds were. What was taken up once may be on its way to the
 * provider and stays.
 */
export async function skipUnsent(
  tx: Tx,
  paymentId: PaymentId,
  kinds: readonly OperationKind[],
): Promise<OperationKind[]> {
  const { rows } = await tx.query<{ kind: OperationKind }>(
    `update operations
        set state = 'SKIPPED', outcome = 'overtaken', finished_at = clock.app_now()
      where payment_id = $1
        and state in ('WAITING', 'DUE')
        and tries = 0
        and kind = any($2::text[])
      returning kind`,
    [paymentId, kinds],
  );
  return rows.map((row) => row.kind);
}
