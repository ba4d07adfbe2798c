import type { LedgerAccount, LedgerKind } from '@holdfast/shared/contracts/ledger';
import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, PaymentId } from '@holdfast/shared/ids';
import type { LedgerEntry } from './ledger-rules.ts';

/** Posts entries of one payment. One that is posted already stays as it is: a fact posts once, however often it is told. */
export async function insertEntries(
  tx: Tx,
  paymentId: PaymentId,
  entries: readonly LedgerEntry[],
  cause: string,
): Promise<void> {
  if (entries.length === 0) return;
  await tx.query(
    `insert into ledger_entries (payment_id, kind, debit_account, credit_account, amount, currency, provider_reference, cause)
     select $1, kind, debit_account, credit_account, amount, currency, provider_reference, $2
       from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
         as row (kind, debit_account, credit_account, amount, currency, provider_reference)
         on conflict do nothing`,
    [
      paymentId,
      cause,
      entries.map((entry) => entry.kind),
      entries.map((entry) => entry.debit),
      entries.map((entry) => entry.credit),
      entries.map((entry) => entry.amount),
      entries.map((entry) => entry.currency),
      entries.map((entry) => entry.reference),
    ],
  );
}

/** Posts what payments and refunds say and the ledger lacks; returns how many entries that were. */
export async function insertMissingEntries(db: Queryable): Promise<bigint> {
  const { rows } = await db.query<{ posted: bigint }>('select post_missing_ledger_entries() as posted');
  return rows[0]!.posted;
}

export interface EntryRow {
  id: bigint;
  payment_id: PaymentId;
  booking_id: BookingId;
  kind: LedgerKind;
  debit_account: LedgerAccount;
  credit_account: LedgerAccount;
  amount: bigint;
  currency: string;
  provider_reference: string;
  cause: string;
  posted_at: Date;
}

/** Entries after `after`, in the order of their posting, at most `limit`. */
export async function listEntryRows(
  db: Queryable,
  query: { paymentId: string | null; bookingId: string | null; kind: string | null; after: bigint; limit: number },
): Promise<EntryRow[]> {
  const { rows } = await db.query<EntryRow>(
    `select entry.id, entry.payment_id, payment.booking_id, entry.kind, entry.debit_account, entry.credit_account, entry.amount,
            entry.currency, entry.provider_reference, entry.cause, entry.posted_at
       from ledger_entries entry
       join payments payment on payment.id = entry.payment_id
      where entry.id > $1
        and ($2::text is null or entry.payment_id = $2)
        and ($3::text is null or payment.booking_id = $3)
        and ($4::text is null or entry.kind = $4)
      order by entry.id
      limit $5`,
    [query.after, query.paymentId, query.bookingId, query.kind, query.limit],
  );
  return rows;
}

export interface BalanceRow {
  account: LedgerAccount;
  currency: string;
  debits: bigint;
  credits: bigint;
  as_of: Date;
}

/** Both sides of every account that has entries, of one currency or of all. */
export async function readBalanceRows(db: Queryable, currency: string | null): Promise<BalanceRow[]> {
  const { rows } = await db.query<BalanceRow>(
    `select side.account, entry.currency, sum(side.debit)::bigint as debits, sum(side.credit)::bigint as credits,
            clock.app_now() as as_of
       from ledger_entries entry
      cross join lateral (values (entry.debit_account, entry.amount, 0::bigint),
                                 (entry.credit_account, 0::bigint, entry.amount)) side (account, debit, credit)
      where $1::text is null
         or entry.currency = $1
      group by side.account, entry.currency
      order by entry.currency, side.account`,
    [currency],
  );
  return rows;
}

export interface DifferenceRow {
  payment_id: PaymentId;
  captured_in_payment: bigint;
  captured_in_ledger: bigint;
  refunded_in_payment: bigint;
  refunded_in_ledger: bigint;
}

/** Payments whose captured or refunded sum is not what the ledger has of them, at most `limit`. One statement, so one moment. */
export async function readDifferenceRows(db: Queryable, limit: number): Promise<DifferenceRow[]> {
  const { rows } = await db.query<DifferenceRow>(
    `select payment.id as payment_id, payment.captured_amount as captured_in_payment,
            coalesce(posted.captured, 0)::bigint as captured_in_ledger, payment.refunded_amount as refunded_in_payment,
            coalesce(posted.refunded, 0)::bigint as refunded_in_ledger
       from payments payment
       left join (select payment_id,
                         sum(amount) filter (where kind = 'capture') as captured,
                         sum(amount) filter (where kind = 'refund') as refunded
                    from ledger_entries
                   group by payment_id) posted on posted.payment_id = payment.id
      where payment.captured_amount <> coalesce(posted.captured, 0)
         or payment.refunded_amount <> coalesce(posted.refunded, 0)
      order by payment.id
      limit $1`,
    [limit],
  );
  return rows;
}
