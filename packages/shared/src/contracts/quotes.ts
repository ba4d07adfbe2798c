import { z } from 'zod';
import { amount, currency, id, instant } from './common.ts';
import { categoryName, seatLabel } from './catalogue.ts';

/** What one question and its answer are signed for. */
export const QUOTE_REQUEST = 'quote-request';
export const QUOTE_ANSWER = 'quote-answer';

const place = z.object({
  category: categoryName,
  quantity: z.number().int().min(1).max(1000),
  /** Labels of the seats, in order; empty for places of a pool. */
  seats: z.array(seatLabel).max(100),
});

/** The question of booking: what do these places cost, and is the event still offered? */
export const quoteRequest = z.object({
  version: z.literal(1),
  nonce: z.string().min(16).max(64),
  event: z.object({ id: id('evt'), starts_at: instant, ends_at: instant }),
  currency,
  /** One entry a category; `list_amount` is the price of one place in the catalogue. */
  places: z.array(place.extend({ list_amount: amount })).min(1),
  /** Places of the event, and how many of them are held or sold. */
  demand: z.object({ capacity: z.number().int().min(1), taken: z.number().int().min(0) }),
  asked_at: instant,
});
export type QuoteRequest = z.output<typeof quoteRequest>;

/** The dearest that one place may be, in minor units: what is above is taken for a mistake. */
export const MAX_UNIT_AMOUNT = 100_000_000_000;

const answered = { nonce: z.string(), event_id: z.string() };

/** The quoter's answer. Fields that are not known are left alone, so that the protocol can grow. */
export const quoteAnswer = z.discriminatedUnion('valid', [
  z.object({
    ...answered,
    valid: z.literal(true),
    quote_id: z.string().min(1).max(64),
    currency,
    places: z.array(place.extend({ unit_amount: amount.max(MAX_UNIT_AMOUNT) })).min(1),
    expires_at: instant,
  }),
  z.object({
    ...answered,
    valid: z.literal(false),
    /** Why it is not offered any more, for the client. */
    reason: z.string().regex(/^[a-z0-9_]{1,64}$/),
  }),
]);
export type QuoteAnswer = z.output<typeof quoteAnswer>;
