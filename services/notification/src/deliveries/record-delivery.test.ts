import { describe, expect, test } from '@jest/globals';
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

  test('an expired hold and events of later versions are not', () => {
    expect(noticeOf({ name: 'expired', data: booking })).toBeNull();
    expect(noticeOf({ name: 'checked_in', data: {} })).toBeNull();
  });

  test('data that breaks the contract is an error that no repetition helps', () => {
    const { contact: _, ...rest } = booking;
    expect(() => noticeOf({ name: 'confirmed', data: rest })).toThrow(PermanentMessageError);
  });
});
