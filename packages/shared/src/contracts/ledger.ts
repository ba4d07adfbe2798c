import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { amount, currency, id, instant } from './common.ts';

export const LEDGER_ACCOUNTS = [
  /** What is held on customers' payment methods and neither taken nor given up. */
  'authorisations',
  /** What the provider has taken for us and not paid out, less refunds and fees. */
  'provider_clearing',
  /** What customers bought; a credit balance. */
  'bookings',
  /** What went back to customers. */
  'refunds',
  /** What the provider kept for itself. */
  'provider_fees',
] as const;
export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number];

export const LEDGER_KINDS = ['authorisation', 'capture', 'void', 'refund', 'fee'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

export const ledgerEntryQuery = z.strictObject({
  ...pageQuery,
  payment_id: id('pay').optional(),
  booking_id: id('bkg').optional(),
  kind: z.enum(LEDGER_KINDS).optional(),
});
export const ledgerBalanceQuery = z.strictObject({ currency: currency.optional() });
export const trialBalanceQuery = z.strictObject({});

export const ledgerEntry = z
  .object({
    id: z.string().meta({ description: 'rises with each posting' }),
    object: z.literal('ledger_entry'),
    payment_id: id('pay'),
    booking_id: id('bkg'),
    kind: z.enum(LEDGER_KINDS),
    debit_account: z.enum(LEDGER_ACCOUNTS),
    credit_account: z.enum(LEDGER_ACCOUNTS),
    amount: amount.min(1),
    currency,
    provider_reference: z.string(),
    cause: z.string().meta({ description: 'the call to the provider, or its callback, that brought the fact' }),
    posted_at: instant,
  })
  .meta({ id: 'LedgerEntry' });
export type LedgerEntryJson = z.input<typeof ledgerEntry>;

/** Minor units; a balance may be negative. */
const sum = z.number().int();

export const ledgerBalance = z
  .object({
    object: z.literal('ledger_balance'),
    account: z.enum(LEDGER_ACCOUNTS),
    currency,
    debits: sum,
    credits: sum,
    balance: sum.meta({ description: 'debits less credits' }),
  })
  .meta({ id: 'LedgerBalance' });

export const trialBalance = z
  .object({
    object: z.literal('trial_balance'),
    as_of: instant,
    balanced: z
      .boolean()
      .meta({ description: 'both sides agree in each currency, and the payments agree with the ledger' }),
    currencies: z.array(
      z.object({ currency, debits: sum, credits: sum, balanced: z.boolean(), accounts: z.array(ledgerBalance) }),
    ),
    differences: z
      .array(
        z.object({
          payment_id: id('pay'),
          captured_in_payment: sum,
          captured_in_ledger: sum,
          refunded_in_payment: sum,
          refunded_in_ledger: sum,
        }),
      )
      .meta({ description: 'payments whose own sums the ledger does not have, the first 100' }),
  })
  .meta({ id: 'TrialBalance' });
