import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyFact, type Fact, type PaymentState } from '../payments/payment.ts';
import { entriesOfChange, entriesOfLateAuthorisation, entryOf, type LedgerEntry } from './ledger-rules.ts';

const pending: PaymentState = {
  amount: 4_500n,
  currency: 'EUR',
  attempts: [{ number: 1, status: 'PENDING', charge: null }],
  capture: 'none',
  capturedAmount: 0n,
  refundedAmount: 0n,
  voidRequested: false,
  voidUnlessPaid: false,
  voided: false,
  mismatch: null,
};
const money = { amount: 4_500n, currency: 'EUR' };
const authorised: Fact = { kind: 'authorised', ...money };
const captured: Fact = { kind: 'captured', ...money };
const voided: Fact = { kind: 'voided' };
const declined: Fact = { kind: 'declined', reason: 'generic_decline', charge: 'ch_1' };
const wrong: Fact = { kind: 'captured', amount: 4_501n, currency: 'EUR' };

/** What a sequence of facts posts. */
function post(facts: readonly Fact[]): { state: PaymentState; entries: LedgerEntry[] } {
  let state = pending;
  const entries: LedgerEntry[] = [];
  for (const fact of facts) {
    const decision = applyFact(state, fact, null);
    if (decision.kind === 'already') {
      if (fact.kind === 'authorised') entries.push(...entriesOfLateAuthorisation(state, fact, 'pi_1'));
      continue;
    }
    if (decision.kind === 'changed') entries.push(...entriesOfChange(state, decision.state, 'pi_1'));
    state = decision.state;
  }
  // The schema keeps one entry of each of these kinds.
  return {
    state,
    entries: entries.filter((each, index) => entries.findIndex(({ kind }) => kind === each.kind) === index),
  };
}
const kinds = (facts: readonly Fact[]) => post(facts).entries.map((entry) => entry.kind);

test.each<[string, Fact[], string[]]>([
  ['an authorisation', [authorised], ['authorisation']],
  ['a capture after it', [authorised, captured], ['authorisation', 'capture']],
  ['a capture that is told first posts its authorisation too', [captured, authorised], ['authorisation', 'capture']],
  ['an authorisation that is given up', [authorised, voided], ['authorisation', 'void']],
  ['an intent that held nothing, given up', [voided], []],
  ['an authorisation that is told after it was given up', [voided, authorised], ['authorisation', 'void']],
  ['a decline', [declined], []],
  ['another amount than ours', [authorised, wrong], ['authorisation']],
  ['the same facts again', [authorised, authorised, captured, captured], ['authorisation', 'capture']],
])('%s', (_, facts, posted) => {
  expect(kinds(facts)).toEqual(posted);
});

describe('whatever happens to a payment', () => {
  const fact = fc.constantFrom(
    authorised,
    captured,
    voided,
    declined,
    wrong,
    { kind: 'processing' } as Fact,
    { kind: 'unknown' } as Fact,
  );
  const balance = (entries: readonly LedgerEntry[], account: string) =>
    entries.reduce(
      (sum, { debit, credit, amount }) => sum + (debit === account ? amount : 0n) - (credit === account ? amount : 0n),
      0n,
    );

  test('each account has what the payment says', () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 10 }), (facts) => {
        const { state, entries } = post(facts);
        const held = state.attempts.some(({ status }) => status === 'AUTHORIZED');
        expect(balance(entries, 'provider_clearing')).toBe(state.capturedAmount);
        expect(balance(entries, 'authorisations')).toBe(held ? state.amount : 0n);
        expect(balance(entries, 'bookings')).toBe(-(held ? state.amount : state.capturedAmount));
        expect(new Set(entries.map(({ kind }) => kind)).size).toBe(entries.length);
        expect(entries.every(({ debit, credit, amount }) => debit !== credit && amount > 0n)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('refunds and fees leave what the provider owes us', () => {
  const of = { currency: 'EUR', reference: 're_1' };
  expect(entryOf('refund', { ...of, amount: 1_500n })).toMatchObject({ debit: 'refunds', credit: 'provider_clearing' });
  expect(entryOf('fee', { ...of, amount: 93n })).toMatchObject({ debit: 'provider_fees', credit: 'provider_clearing' });
});
