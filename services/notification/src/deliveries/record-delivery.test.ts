import { describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import { aBooking } from '../testing/factories.ts';
import { noticeOf } from './record-delivery.ts';

describe('what an event of family booking tells the customer', () => {
  const booking = { ...aBooking(), reason: 'changed plans' };

  test('confirmed, cancelled and failed are told', () => {
    for (const name of ['confirmed', 'cancelled', 'failed']) {
      expect(noticeOf({ name, data: booking })).toMatchObject({
        kind: name,
        booking: { reference: booking.reference },
      });
    }
  });

  test('rescheduled is told with the time before', () => {
    const previous = { starts_at: '2027-01-03T18:00:00.000Z', ends_at: '2027-01-03T20:00:00.000Z' };
    const data = { ...booking, status: 'CONFIRMED', previous, refund: 'full', calendar_sequence: 1 };
    expect(noticeOf({ name: 'rescheduled', data })).toEqual({ kind: 'rescheduled', booking: data });
    expect(() => noticeOf({ name: 'rescheduled', data: booking })).toThrow(PermanentMessageError);
  });

  test('an expired hold and events of later versions are not', () => {
    expect(noticeOf({ name: 'expired', data: booking })).toBeNull();
    expect(noticeOf({ name: 'checked_in', data: {} })).toBeNull();
  });

  test('of the waitlist: an offer, and every way in which a wait or an offer ends without a booking', () => {
    const entry_id = newId('wtl');
    const kindOf = (name: string, offered: boolean, more: object = {}) =>
      noticeOf({ name, data: { ...booking, waitlist: { entry_id, offered }, ...more } })?.kind;
    expect(kindOf('offered', true, { hold_expires_at: '2027-01-02T18:00:00.000Z' })).toBe('waitlist_offer');
    expect(kindOf('expired', false)).toBe('waitlist_over');
    expect(kindOf('expired', true)).toBe('waitlist_over');
    expect(kindOf('cancelled', false)).toBe('waitlist_over');
    expect(kindOf('cancelled', true)).toBe('cancelled');
    expect(() => kindOf('offered', true)).toThrow(PermanentMessageError);
  });

  test('of a series: what is to be paid, what could not be held, what lapsed; one message for many that waited', () => {
    const occurrence = { ...booking, series_id: newId('ser') };
    const kindOf = (name: string, more: object = {}) => noticeOf({ name, data: { ...occurrence, ...more } })?.kind;
    expect(kindOf('payment_due', { pay_until: '2027-01-02T18:00:00.000Z' })).toBe('payment_due');
    expect(kindOf('failed', { lost: 'taken' })).toBe('occurrence_lost');
    expect(kindOf('failed')).toBe('failed');
    expect(kindOf('expired')).toBe('occurrence_lapsed');
    expect(kindOf('cancelled', { occurrences: 12 })).toBe('cancelled');
    expect(kindOf('cancelled', { told_with: newId('bkg') })).toBeUndefined();
  });

  test('data that breaks the contract is an error that no repetition helps', () => {
    const { contact: _, ...rest } = booking;
    expect(() => noticeOf({ name: 'confirmed', data: rest })).toThrow(PermanentMessageError);
  });
});
