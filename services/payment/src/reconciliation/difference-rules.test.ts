import { expect, test } from '@jest/globals';
import { differenceOf, type Here, type There } from './difference-rules.ts';

const there: There = { reference: 'pi_1', currency: 'EUR', captured: 4_500n, refunded: 0n };
const here: Here = { ...there, refundReserved: 0n, quarantined: false };
const nothing = { captured: 0n };

test.each<[string, Partial<Here> | null, Partial<There>, string | null]>([
  ['both captured the same', {}, {}, null],
  ['nothing was captured on either side', nothing, nothing, null],
  ['nobody here knows an intent that took nothing', null, nothing, null],
  ['nobody here knows an intent that took money', null, {}, 'paid_there_not_here'],
  ['the provider took money that we did not hear of', nothing, {}, 'paid_there_not_here'],
  ['we count money that the provider does not have', {}, nothing, 'paid_here_not_there'],
  ['the provider took a cent more', {}, { captured: 4_501n }, 'amount_differs'],
  ['the provider took another currency', {}, { currency: 'USD' }, 'amount_differs'],
  ['the amount was in doubt when it came', { ...nothing, quarantined: true }, {}, 'amount_differs'],
  ['a second intent took money for a paid one', { reference: 'pi_0' }, {}, 'duplicate_charge'],
  ['a second intent took money for an unpaid one', { reference: 'pi_0', ...nothing }, {}, 'paid_there_not_here'],
  ['a second intent gave all of it back', { reference: 'pi_0' }, { refunded: 4_500n }, null],
  ['we count a refund that the provider lacks', { refunded: 500n, refundReserved: 500n }, {}, 'refund_missing'],
  ['the provider made a refund that we lack', {}, { refunded: 500n }, 'refund_missing'],
  ['a refund is under way that the provider has made', { refundReserved: 500n }, { refunded: 500n }, null],
])('%s', (_, changeHere, changeThere, kind) => {
  const ours = changeHere === null ? null : { ...here, ...changeHere };
  expect(differenceOf(ours, { ...there, ...changeThere })?.kind ?? null).toBe(kind);
});
