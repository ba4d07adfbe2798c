import { z } from 'zod';
import { id } from './common.ts';

/** What the gateway asks booking and payment, to hold one against the other (G4). Amounts are minor units. */

const minorUnits = z.number().int();

/** Where the walk over bookings goes on: below this id, the newest first. */
export const dueMoneyQuery = z.strictObject({ before: id('bkg').optional() });

/** Bookings that went to a checkout and have come to rest. */
export const dueMoney = z.object({
  data: z.array(
    z.object({
      booking_id: id('bkg'),
      reference: z.string(),
      status: z.string(),
      price: minorUnits,
      currency: z.string(),
      /** What the booking may keep; what its own refund took off is taken off. */
      keeps: minorUnits,
    }),
  ),
  /** `before` of the next page; null after the last. */
  next: id('bkg').nullable(),
});
export type DueMoney = z.output<typeof dueMoney>;
export type DueMoneyRow = DueMoney['data'][number];

export const keptMoneyBody = z.strictObject({ booking_ids: z.array(id('bkg')).min(1).max(500) });

/** Payments of bookings; one that has none is left out. */
export const keptMoney = z.object({
  data: z.array(
    z.object({
      booking_id: id('bkg'),
      captured: minorUnits,
      refunded: minorUnits,
      /** The part of `refunded` that operators paid back. */
      by_operators: minorUnits,
      /** Something about it changed a moment ago, or is under way. */
      moving: z.boolean(),
    }),
  ),
});
export type KeptMoneyRow = z.output<typeof keptMoney>['data'][number];
