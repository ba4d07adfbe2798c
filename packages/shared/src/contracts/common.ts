import { z } from 'zod';
import { isId, type Id, type IdPrefix } from '../ids.ts';

/** A public id of one kind. A malformed one in a body is a validation error; in a path it is 404, see `idParam`. */
export const id = <P extends IdPrefix>(prefix: P) =>
  z
    .custom<Id<P>>((value) => isId(prefix, value), { message: `must be an id that starts with ${prefix}_` })
    .meta({
      type: 'string',
      pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`,
    });

export const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code in capitals');

/** Minor units: whole, not negative, exact as a JSON number. */
export const amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const money = z.strictObject({ amount, currency }).meta({ id: 'Money' });

const FIRST_INSTANT = Date.parse('0000-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** RFC 3339 with a zone; a local time without one is refused. Years stay within four digits, in UTC too. */
export const instant = z.iso
  .datetime({ offset: true, message: 'must be an RFC 3339 time with its zone, e.g. 2027-01-04T18:00:00Z' })
  // 9999-12-31T23:59:59-01:00 has four digits where it is written and five in the answer.
  .refine(
    (text) => !(Date.parse(text) < FIRST_INSTANT || Date.parse(text) > LAST_INSTANT),
    'must lie in the years 0000 to 9999 of UTC',
  )
  .meta({ format: 'date-time' });

/**
 * Whether a text holds what looks like the number of a payment card: 13 to 19 digits, alone or in groups, whose check digit is right. Card
 * data never reach this system, so that they are in no log, event or table of it (G12).
 */
export function hasCardNumber(text: string): boolean {
  return [...text.matchAll(/\d(?:[ -]?\d){12,18}/g)].some(([match]) => hasCheckDigit(match.replaceAll(/\D/g, '')));
}

/** The Luhn formula (ISO/IEC 7812-1). */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0 && /[1-9]/.test(digits);
}

const NO_CARD_NUMBER = 'must not contain the number of a payment card';

/** A text of a program, for example the provider's id of a payment method, that is no card number. */
export const noCardNumber = (text: string) => !hasCardNumber(text);

/** Text that people read: no control characters, no lone surrogates, no bidirectional overrides, in NFC. */
export const humanText = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    // eslint-disable-next-line no-control-regex
    .refine(
      (text) => !/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text),
      'must not contain control characters',
    )
    .refine(noCardNumber, NO_CARD_NUMBER);

export const name = humanText(1, 200);

/** An IANA zone that this runtime knows, in its canonical spelling or an alias. */
export const timeZone = z.string().max(64).refine(isTimeZone, 'must be an IANA time zone, e.g. Europe/Paris');

function isTimeZone(value: string): boolean {
  // Offsets such as +01:00 are accepted by Intl but know nothing of daylight saving.
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

/** `HH:MM` on a 24-hour clock; 24:00 is the end of the day. */
export const localTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be HH:MM');

export const localDate = z.iso.date('must be a date YYYY-MM-DD');

export const list = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal('list'),
    data: z.array(item),
    has_more: z.boolean(),
    next_cursor: z.string().nullable(),
  });

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    retryable: z.boolean(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).optional(),
    unavailable: z.unknown().optional().meta({ description: 'of `inventory_unavailable`: what is taken' }),
    alternatives: z
      .array(
        z.union([
          z.object({ seats: z.array(z.string()) }),
          z.object({ starts_at: instant, ends_at: instant }),
          z.object({ event_id: id('evt'), starts_at: instant }),
        ]),
      )
      .max(5)
      .optional()
      .meta({ description: 'of `inventory_unavailable`: what was free a moment ago, the nearest first' }),
    decline_reason: z
      .string()
      .nullable()
      .optional()
      .meta({ description: "of `payment_declined`: the provider's word" }),
    attempts_left: z.number().int().optional().meta({ description: 'of `payment_declined`' }),
    booking: z.unknown().optional().meta({ description: 'of `payment_declined`: the booking as it is now' }),
    status_of_booking: z.string().optional().meta({ description: 'of `not_checkable`' }),
    reason: z.string().optional().meta({ description: 'of `not_checkable`: why, for programs' }),
    counts: z.unknown().optional().meta({ description: 'of `series_conflicts`: verdicts by kind' }),
    occurrences: z
      .array(z.unknown())
      .optional()
      .meta({ description: 'of `series_conflicts`: a verdict for each occurrence, as in a preview' }),
  })
  .meta({ id: 'Problem' });
