import { describe, expect, test } from '@jest/globals';
import type { DueMoneyRow, KeptMoneyRow } from '@holdfast/shared/contracts/money-check';
import { differenceOfMoney } from './money-rules.ts';

const booking = {
  ...{ booking_id: 'bkg_01k9zzzzzzzzzzzzzzzzzzzzzz', reference: 'BK1', status: 'CONFIRMED' },
  ...{ price: 4_500, currency: 'EUR', keeps: 4_500 },
} as DueMoneyRow;
const payment: KeptMoneyRow = {
  ...{ booking_id: booking.booking_id, captured: 4_500, refunded: 0, by_operators: 0, moving: false },
};

describe('the money of a booking', () => {
  test.each<[string, Partial<DueMoneyRow>, Partial<KeptMoneyRow>]>([
    ['stands and is paid', {}, {}],
    ['was cancelled, and half went back', { keeps: 2_250 }, { refunded: 2_250 }],
    ['came to nothing, and nothing was taken', { keeps: 0 }, { captured: 0 }],
    ['stands, and an operator paid a part back', {}, { refunded: 500, by_operators: 500 }],
    [
      'was paid back by an operator before its own refund gave way',
      { keeps: 0 },
      { refunded: 4_500, by_operators: 4_500 },
    ],
    ['is moving at this moment', {}, { captured: 0, moving: true }],
  ])('is right when it %s', (_, due, kept) => {
    expect(differenceOfMoney({ ...booking, ...due }, { ...payment, ...kept })).toBeNull();
  });

  test('is right without a payment when it came to nothing', () => {
    expect(differenceOfMoney({ ...booking, keeps: 0 }, undefined)).toBeNull();
  });

  test.each<[string, Partial<DueMoneyRow>, Partial<KeptMoneyRow>, number, number]>([
    ['stands and was not paid', {}, { captured: 0 }, 4_500, 0],
    ['stands and was paid back', {}, { refunded: 4_500 }, 4_500, 0],
    ['came to nothing and was paid', { keeps: 0 }, {}, 0, 4_500],
    ['was taken too much for', {}, { captured: 9_000 }, 4_500, 9_000],
    ['gave back more than its refund', { keeps: 2_250 }, { refunded: 4_500 }, 2_250, 0],
    ['kept what an operator paid back', {}, { by_operators: 500 }, 4_000, 4_500],
  ])('is wrong when it %s', (_, due, kept, keeps, has) => {
    const found = differenceOfMoney({ ...booking, ...due }, { ...payment, ...kept });
    expect(found).toMatchObject({ booking_id: booking.booking_id, keeps, kept: has });
  });

  test('is wrong when it stands and payment knows nothing of it', () => {
    expect(differenceOfMoney(booking, undefined)).toMatchObject({ keeps: 4_500, kept: null });
  });
});
