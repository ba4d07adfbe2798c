import { expect, test } from '@jest/globals';
import { momentsOf, timelineLines } from './timeline.ts';

test('a timeline puts history, payment and mail in the order of their times, counted from the first call', () => {
  const at = (ms: number) => new Date(Date.parse('2027-01-04T10:00:00.000Z') + ms).toISOString();
  const moments = momentsOf(
    [
      { from: null, to: 'HELD', reason: 'hold', actor: 'usr_1', at: at(12) },
      { from: 'PAID', to: 'CONFIRMED', reason: 'captured', actor: 'system', at: at(90) },
    ],
    [{ number: 1, status: 'CAPTURED', payment_method: 'pm_card_visa', created_at: at(40), updated_at: at(80) }],
    { id: '1', to: ['asha@holdfast.example'], subject: 'Confirmed', received_at: at(120) },
  );
  expect(timelineLines(moments, Date.parse(at(0)))).toEqual([
    '    12 ms  booking  HELD (hold)',
    '    40 ms  payment  attempt 1 with pm_card_visa',
    '    80 ms  payment  attempt 1 is CAPTURED',
    '    90 ms  booking  PAID → CONFIRMED (captured)',
    '   120 ms  mail     received: Confirmed',
  ]);
});
