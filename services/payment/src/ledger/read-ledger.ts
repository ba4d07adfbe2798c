import type { ledgerBalance, ledgerEntry, trialBalance } from '@holdfast/shared/contracts/ledger';
import type { Pool } from '@holdfast/shared/db/pool';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { amountToJson } from '@holdfast/shared/money';
import type { z } from 'zod';
import { decodeRowCursor } from '../row-ids/row-id.ts';
import { listEntryRows, readBalanceRows, readDifferenceRows, type BalanceRow, type EntryRow } from './ledger-store.ts';

type EntryJson = z.input<typeof ledgerEntry>;
type BalanceJson = z.input<typeof ledgerBalance>;

export interface EntryQuery {
  readonly payment_id?: string | undefined;
  readonly booking_id?: string | undefined;
  readonly kind?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** How many payments that differ a trial balance names. */
const MAX_DIFFERENCES = 100;

/** A page of entries in the order of their posting. @throws Problem `validation_failed` for a bad cursor. */
export async function listEntries(pool: Pool, query: EntryQuery): Promise<Page<EntryJson>> {
  const rows = await listEntryRows(pool, {
    paymentId: query.payment_id ?? null,
    bookingId: query.booking_id ?? null,
    kind: query.kind ?? null,
    after: decodeRowCursor(query.cursor),
    limit: query.limit + 1,
  });
  return toPage(rows, query.limit, toEntryJson, (row) => [String(row.id)]);
}

/** The balance of every account in every currency, debit minus credit. */
export async function readBalances(pool: Pool, currency: string | null): Promise<Page<BalanceJson>> {
  const rows = await readBalanceRows(pool, currency);
  return { object: 'list', data: rows.map(toBalanceJson), has_more: false, next_cursor: null };
}

/**
 * Both sides of the books, for each currency, and the payments whose own sums the ledger does not have. The sides are equal by
 * construction; the comparison with the payments is what can fail.
 */
export async function readTrialBalance(pool: Pool): Promise<z.input<typeof trialBalance>> {
  const [balances, differences] = await Promise.all([
    readBalanceRows(pool, null),
    readDifferenceRows(pool, MAX_DIFFERENCES),
  ]);
  const currencies = [...new Set(balances.map((row) => row.currency))].map((currency) => {
    const rows = balances.filter((row) => row.currency === currency);
    const debits = rows.reduce((sum, row) => sum + row.debits, 0n);
    const credits = rows.reduce((sum, row) => sum + row.credits, 0n);
    return {
      currency,
      debits: amountToJson(debits),
      credits: amountToJson(credits),
      balanced: debits === credits,
      accounts: rows.map(toBalanceJson),
    };
  });
  return {
    object: 'trial_balance',
    as_of: (balances[0]?.as_of ?? new Date()).toISOString(),
    balanced: currencies.every((each) => each.balanced) && differences.length === 0,
    currencies,
    differences: differences.map((row) => ({
      payment_id: row.payment_id,
      captured_in_payment: amountToJson(row.captured_in_payment),
      captured_in_ledger: amountToJson(row.captured_in_ledger),
      refunded_in_payment: amountToJson(row.refunded_in_payment),
      refunded_in_ledger: amountToJson(row.refunded_in_ledger),
    })),
  };
}

function toEntryJson(row: EntryRow): EntryJson {
  return {
    id: String(row.id),
    object: 'ledger_entry',
    payment_id: row.payment_id,
    booking_id: row.booking_id,
    kind: row.kind,
    debit_account: row.debit_account,
    credit_account: row.credit_account,
    amount: amountToJson(row.amount),
    currency: row.currency,
    provider_reference: row.provider_reference,
    cause: row.cause,
    posted_at: row.posted_at.toISOString(),
  };
}

function toBalanceJson(row: BalanceRow): BalanceJson {
  return {
    object: 'ledger_balance',
    account: row.account,
    currency: row.currency,
    debits: amountToJson(row.debits),
    credits: amountToJson(row.credits),
    balance: amountToJson(row.debits - row.credits),
  };
}
