import { expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { eventLiner, redacted, sinceOf } from './event-lines.ts';

const BOOKING = newId('bkg');
const heard = (type: string, data: object) => ({
  subject: `booking.${type}`,
  payload: JSON.stringify({
    ...{ specversion: '1.0', id: 'msg_1', source: '/booking', type: `holdfast.${type}.v1`, subject: BOOKING },
    ...{ time: '2027-01-04T18:00:00.000Z', datacontenttype: 'application/json', family: 'booking', sequence: 1 },
    ...{ cause: 'req_1', data: { booking_id: BOOKING, ...data } },
  }),
});
const contact = { email: 'ada@example.com', name: 'Ada Lovelace' };

test('an event of the money shows the reference once another event has told it', () => {
  const line = eventLiner(false);
  expect(line(heard('payment.captured', { amount: 4500, currency: 'EUR' }))).toMatch(
    new RegExp(`^2027-01-04T18:00:00.000Z  payment.captured +${BOOKING}  4500 EUR$`),
  );
  expect(line(heard('booking.confirmed', { reference: 'BK1', contact }))).toMatch(/booking.confirmed +BK1$/);
  expect(line(heard('payment.captured', { amount: 4500, currency: 'EUR' }))).toMatch(/BK1 {2}4500 EUR$/);
});

test.each([false, true])('nothing personal is shown, as JSON: %s', (asJson) => {
  const line = eventLiner(asJson);
  const secrets = {
    ...{ contact, sealed_token: 'sealed-1', tickets: [{ place: 'A-1', code: 'code-1' }] },
    payload: JSON.stringify({ contact }),
  };
  expect(line(heard('booking.confirmed', secrets))).not.toMatch(/ada@|Ada|sealed-1|code-1/);
  expect(line({ subject: 'booking.x', payload: 'ada@example.com' })).not.toContain('ada@');
});

test('what is not personal stays as it is, at every depth', () => {
  const value = { seats: ['A-1'], previous: { starts_at: 'x', contact }, n: 0, none: null };
  expect(redacted(value)).toEqual({ ...value, previous: { starts_at: 'x', contact: '[redacted]' } });
});

test.each([
  ['30s', '2027-01-04T17:59:30.000Z'],
  ['10m', '2027-01-04T17:50:00.000Z'],
  ['2h', '2027-01-04T16:00:00.000Z'],
  ['1d', '2027-01-03T18:00:00.000Z'],
  ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
])('since %s', (text, at) => {
  expect(sinceOf(text, new Date('2027-01-04T18:00:00Z'))?.toISOString()).toBe(at);
});

test.each(['', '10', 'yesterday', '1w', '2027-13-01T00:00:00Z'])('%p is no time', (text) => {
  expect(sinceOf(text, new Date())).toBeUndefined();
});
