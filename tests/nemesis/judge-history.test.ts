import { describe, expect, test } from '@jest/globals';
import type { Entry } from './history.ts';
import { judgeHistory, type Evidence, type FinalBooking } from './judge-history.ts';

const booking = (overrides: Partial<FinalBooking> = {}): FinalBooking => ({
  id: 'bkg_1',
  reference: 'BK20270104-7K3Q9D',
  status: 'CONFIRMED',
  version: 4,
  customerEmail: 'ann@holdfast.test',
  places: ['evt_1 A-1'],
  statuses: ['HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED'],
  ...overrides,
});

const entry = (overrides: Partial<Entry> = {}): Entry => ({
  type: 'ok',
  at: 10,
  client: 0,
  call: 1,
  attempt: 1,
  kind: 'hold',
  path: '/v1/bookings',
  key: 'key-1',
  body: {},
  booking: null,
  status: 201,
  ms: 5,
  sha256: 'a',
  shows: { id: 'bkg_1', status: 'HELD', version: 1, places: ['evt_1 A-1'] },
  ...overrides,
});
const paid = entry({
  call: 2,
  kind: 'pay',
  status: 200,
  at: 20,
  shows: { id: 'bkg_1', status: 'CONFIRMED', version: 4, places: [] },
});

const ticket = {
  to: 'ann@holdfast.test',
  subject: 'Booking BK20270104-7K3Q9D confirmed: Winter concert',
  messageId: '<1@holdfast>',
};

/** A booking that was held, paid and told of, and nothing else. */
function evidence(overrides: Partial<Omit<Evidence, 'bookings'>> = {}, bookings = [booking()]): Evidence {
  return {
    entries: [entry({ type: 'invoke' }), entry(), paid],
    bookings: new Map(bookings.map((each) => [each.id, each])),
    replays: [{ call: 1, status: 201, sha256: 'a', replayed: true }],
    charges: [{ booking: 'bkg_1', captures: 1 }],
    mails: [ticket],
    ...overrides,
  };
}

test('witnesses that agree break nothing', () => {
  expect(judgeHistory(evidence())).toEqual([]);
});

describe('the witnesses contradict each other when', () => {
  const other = { id: 'bkg_2', reference: 'BK20270104-AAAAAA', statuses: ['HELD'], status: 'HELD', version: 1 };
  const lost = entry({ call: 9, type: 'invoke', at: 9 });
  test.each<[string, Evidence, RegExp]>([
    ['an acknowledged hold is not there', evidence({ charges: [], mails: [] }, []), /no such booking/],
    [
      'a payment that was answered is not confirmed',
      evidence({ mails: [] }, [booking({ status: 'HELD', statuses: ['HELD'] })]),
      /never confirmed/,
    ],
    [
      'a confirmed booking is gone though nobody cancelled it',
      evidence({}, [booking({ status: 'EXPIRED' })]),
      /EXPIRED though nobody cancelled/,
    ],
    [
      'a cancelled booking stands',
      evidence({ entries: [entry(), paid, { ...paid, call: 3, kind: 'cancel' }] }),
      /\(cancel\).*it is CONFIRMED/,
    ],
    ['a booking is older than it was shown', evidence({}, [booking({ version: 2 })]), /in version 4, and it has 2/],
    [
      'two live bookings have one seat',
      evidence({ entries: [entry(), paid, lost] }, [booking(), booking({ ...other })]),
      /evt_1 A-1 belongs to bkg_1 and to bkg_2/,
    ],
    [
      'two live bookings overlap',
      evidence({ entries: [entry(), paid, lost] }, [
        booking({ places: ['res_1 2027-01-04T10:00:00Z 2027-01-04T11:00:00Z'] }),
        booking({ ...other, places: ['res_1 2027-01-04T10:30:00Z 2027-01-04T11:30:00Z'] }),
      ]),
      /bkg_1 and bkg_2 overlap/,
    ],
    [
      'there is a booking that no call can have made',
      evidence({}, [booking(), booking({ ...other, places: [] })]),
      /1 bookings that no client was told of, and only 0 holds/,
    ],
    [
      'a read shows what was before',
      evidence({
        entries: [
          entry(),
          paid,
          entry({ type: 'invoke', kind: 'read', call: 3, at: 30 }),
          entry({ kind: 'read', call: 3, at: 31, shows: { id: 'bkg_1', status: 'HELD', version: 1, places: [] } }),
        ],
      }),
      /version 1 of bkg_1 after version 4/,
    ],
    [
      'a key is answered otherwise',
      evidence({ replays: [{ call: 1, status: 409, sha256: 'b', replayed: false }] }),
      /asked again, 409/,
    ],
    [
      'a key is answered in other words',
      evidence({ replays: [{ call: 1, status: 201, sha256: 'b', replayed: true }] }),
      /another body/,
    ],
    [
      'a key is carried out again',
      evidence({ replays: [{ call: 1, status: 201, sha256: 'a', replayed: false }] }),
      /as if it were new/,
    ],
    ['money is taken twice', evidence({ charges: [{ booking: 'bkg_1', captures: 2 }] }), /captured 2 times/],
    [
      'money is taken for nothing',
      evidence({ charges: [{ booking: 'bkg_9', captures: 1 }] }),
      /bkg_9, which is not there/,
    ],
    ['nobody is told', evidence({ mails: [] }), /nobody was told/],
    ['it is told twice', evidence({ mails: [ticket, { ...ticket, messageId: '<2@holdfast>' }] }), /told 2 times/],
    [
      'somebody else is told',
      evidence({ mails: [ticket, { ...ticket, to: 'bob@holdfast.test' }] }),
      /bob@holdfast.test was told/,
    ],
    [
      'something is told that never was',
      evidence({ mails: [ticket, { ...ticket, subject: ticket.subject.replace('confirmed', 'cancelled') }] }),
      /cancelled, which it never was/,
    ],
  ])('%s', (_, seen, words) => {
    expect(judgeHistory(seen)).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
  });
});

test('a mail that is sent once more under its Message-ID is one mail', () => {
  expect(judgeHistory(evidence({ mails: [ticket, ticket] }))).toEqual([]);
});

test('a hold without an answer may have made one booking', () => {
  const lost = entry({ call: 9, type: 'invoke', at: 9 });
  const made = booking({
    id: 'bkg_2',
    reference: 'BK20270104-AAAAAA',
    status: 'EXPIRED',
    statuses: ['HELD', 'EXPIRED'],
  });
  expect(judgeHistory(evidence({ entries: [entry(), paid, lost] }, [booking(), made]))).toEqual([]);
});
