import { list } from '@holdfast/shared/contracts/common';
import {
  ledgerBalance,
  ledgerBalanceQuery,
  ledgerEntry,
  ledgerEntryQuery,
  trialBalance,
  trialBalanceQuery,
} from '@holdfast/shared/contracts/ledger';
import type { ApiRoute } from './route.ts';

const ledger = {
  method: 'get',
  tag: 'Ledger',
  target: 'payment',
  access: 'user',
  role: 'operator',
  problems: ['forbidden'],
} as const;

export const LEDGER_ROUTES: readonly ApiRoute[] = [
  {
    ...ledger,
    path: '/v1/ops/ledger/entries',
    operationId: 'listLedgerEntries',
    summary: 'Each movement of money, in the order of its posting',
    query: ledgerEntryQuery,
    answers: { 200: { description: 'A page of entries', schema: list(ledgerEntry) } },
  },
  {
    ...ledger,
    path: '/v1/ops/ledger/balances',
    operationId: 'listLedgerBalances',
    summary: 'The balance of each account in each currency',
    query: ledgerBalanceQuery,
    answers: { 200: { description: 'All balances', schema: list(ledgerBalance) } },
  },
  {
    ...ledger,
    path: '/v1/ops/ledger/trial-balance',
    operationId: 'getTrialBalance',
    summary: 'Both sides of the books, and where they differ from the payments',
    query: trialBalanceQuery,
    answers: { 200: { description: 'The trial balance', schema: trialBalance } },
  },
];
