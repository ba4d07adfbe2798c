import { z } from 'zod';
import { amount, currency, humanText, id, instant, localDate, localTime, money, name, timeZone } from './common.ts';
import { pageQuery } from '../http/pagination.ts';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

export const refundWindow = z.strictObject({
  hours_before: z.number().int().min(0).max(8760),
  percent: z.number().int().min(0).max(100),
});

/** Windows in any order; none of them twice. */
export const refundPolicy = z
  .array(refundWindow)
  .max(10)
  .refine(
    (windows) => new Set(windows.map((w) => w.hours_before)).size === windows.length,
    'each hours_before may stand once',
  );

/** Where it is, in one line as people write it. */
const address = humanText(1, 300);

const venueFields = z.strictObject({
  name,
  address: address.optional(),
  time_zone: timeZone,
  currency,
  refund_policy: refundPolicy.optional(),
});
export const venueBody = venueFields.meta({ id: 'VenueInput' });

/**
 * The bodies of PATCH, for the OpenAPI document: the fields that are given change, null takes an optional one away. A request is
 * checked by merging it into the object and parsing the whole with the body of POST, so that rules between fields hold afterwards.
 */
export const venuePatch = venueFields
  .partial()
  .extend({ address: address.nullable().optional(), refund_policy: refundPolicy.nullable().optional() })
  .meta({ id: 'VenuePatch' });

const catalogueObject = {
  version: z.number().int(),
  created_at: instant,
  updated_at: instant,
  archived_at: instant.nullable(),
};

export const venue = z
  .object({
    id: id('ven'),
    object: z.literal('venue'),
    name,
    address: address.nullable(),
    time_zone: z.string(),
    currency,
    refund_policy: z.array(refundWindow),
    ...catalogueObject,
  })
  .meta({ id: 'Venue' });

/** Refuses hours that end before they begin, and those that overlap on one day. */
function checkHours(
  hours: readonly { day?: Day; opens: string; closes: string }[],
  context: { addIssue(issue: { code: 'custom'; path: PropertyKey[]; message: string }): void },
): void {
  hours.forEach((entry, index) => {
    if (entry.opens >= entry.closes) {
      context.addIssue({
        code: 'custom',
        path: [index, 'closes'],
        message: 'must be after opens; a night over midnight is two entries',
      });
    }
    const clash = hours
      .slice(0, index)
      .some((o) => o.day === entry.day && o.opens < entry.closes && entry.opens < o.closes);
    if (clash) context.addIssue({ code: 'custom', path: [index], message: 'overlaps other hours of the same day' });
  });
}

export const openingHours = z
  .array(z.strictObject({ day: z.enum(DAYS), opens: localTime, closes: localTime }))
  .max(28)
  .superRefine(checkHours);

const specialHours = z
  .array(z.strictObject({ opens: localTime, closes: localTime }))
  .min(1)
  .max(10)
  .superRefine(checkHours);

/** Local dates on which the hours of the week do not count: closed, or open at hours of their own. Each date once. */
export const openingExceptions = z
  .array(
    z
      .strictObject({ date: localDate, closed: z.literal(true).optional(), hours: specialHours.optional() })
      .refine((exception) => (exception.closed === undefined) !== (exception.hours === undefined), {
        path: ['hours'],
        message: 'either closed: true or hours',
      }),
  )
  .max(400)
  .superRefine((exceptions, context) => {
    const seen = new Set<string>();
    exceptions.forEach(({ date }, index) => {
      if (seen.has(date))
        context.addIssue({ code: 'custom', path: [index, 'date'], message: 'this date stands twice' });
      seen.add(date);
    });
  });
export type OpeningException = z.output<typeof openingExceptions>[number];

const resourceFields = z.strictObject({
  venue_id: id('ven'),
  name,
  slot_minutes: z.number().int().min(5).max(1440),
  min_slots: z.number().int().min(1).max(288).default(1),
  max_slots: z.number().int().min(1).max(288).optional(),
  opening_hours: openingHours.min(1),
  exceptions: openingExceptions.default([]),
  price_per_slot: money,
});
export const resourcePatch = resourceFields
  .partial()
  .extend({
    min_slots: resourceFields.shape.min_slots.unwrap().nullable().optional(),
    max_slots: resourceFields.shape.max_slots.unwrap().nullable().optional(),
    exceptions: openingExceptions.nullable().optional(),
  })
  .meta({ id: 'ResourcePatch' });

export const resourceBody = resourceFields
  .refine((r) => r.max_slots === undefined || r.max_slots >= r.min_slots, {
    path: ['max_slots'],
    message: 'must not be below min_slots',
  })
  .meta({ id: 'ResourceInput' });

export const resource = z
  .object({
    id: id('res'),
    object: z.literal('resource'),
    venue_id: id('ven'),
    name,
    slot_minutes: z.number().int(),
    min_slots: z.number().int(),
    max_slots: z.number().int().nullable(),
    opening_hours: z.array(z.object({ day: z.enum(DAYS), opens: z.string(), closes: z.string() })),
    exceptions: z.array(
      z.object({
        date: localDate,
        closed: z.literal(true).optional(),
        hours: z.array(z.object({ opens: z.string(), closes: z.string() })).optional(),
      }),
    ),
    price_per_slot: money,
    time_zone: z.string(),
    ...catalogueObject,
  })
  .meta({ id: 'Resource' });

/** Part of a seat label, so no dash: `A-12` must read one way only. */
const rowLabel = z.string().regex(/^[A-Za-z0-9]{1,8}$/, 'must be 1 to 8 letters or digits');
export const categoryName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be lower-case letters, digits, - and _');

export const hallRow = z
  .strictObject({
    row: rowLabel,
    seats: z.number().int().min(1).max(500),
    category: categoryName.default('standard'),
    accessible: z.array(z.number().int().min(1)).max(500).default([]),
  })
  .superRefine((row, context) => {
    row.accessible.forEach((number, index) => {
      if (number > row.seats)
        context.addIssue({ code: 'custom', path: ['accessible', index], message: 'the row has no such seat' });
    });
  });

const hallFields = z.strictObject({ venue_id: id('ven'), name, rows: z.array(hallRow).min(1).max(500) });
export const hallPatch = hallFields.partial().meta({ id: 'HallPatch' });

export const hallBody = hallFields
  .superRefine((hall, context) => {
    const seen = new Set<string>();
    hall.rows.forEach((row, index) => {
      if (seen.has(row.row))
        context.addIssue({ code: 'custom', path: ['rows', index, 'row'], message: 'this row stands twice' });
      seen.add(row.row);
    });
    const seats = hall.rows.reduce((sum, row) => sum + row.seats, 0);
    if (seats > 100_000)
      context.addIssue({ code: 'custom', path: ['rows'], message: 'a hall has at most 100,000 seats' });
  })
  .meta({ id: 'HallInput' });

/** The import of a hall: its rows come as CSV in the body. */
export const hallImportQuery = z.strictObject({ venue_id: id('ven'), name });
export const hallImportBody = z.string().meta({
  id: 'HallImport',
  description:
    'The first line names the columns: `row` and `seats`, and where needed `category` and `accessible` (seat numbers with spaces or semicolons between them).',
  examples: ['row,seats,category,accessible\nA,20,premium,1 2\nB,24,standard,'],
});
export const CSV_LIMIT_BYTES = 1024 * 1024;

export const hall = z
  .object({
    id: id('hal'),
    object: z.literal('hall'),
    venue_id: id('ven'),
    name,
    rows: z.array(
      z.object({
        row: z.string(),
        seats: z.number().int(),
        category: z.string(),
        accessible: z.array(z.number().int()),
      }),
    ),
    seat_count: z.number().int(),
    ...catalogueObject,
  })
  .meta({ id: 'Hall' });

export const prices = z
  .array(z.strictObject({ category: categoryName, amount }))
  .min(1)
  .max(50)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    list.forEach((price, index) => {
      if (seen.has(price.category))
        context.addIssue({ code: 'custom', path: [index, 'category'], message: 'this category stands twice' });
      seen.add(price.category);
    });
  });

/** `${row}-${number}` of a seat of the hall. */
export const seatLabel = z.string().regex(/^[A-Za-z0-9]{1,8}-[1-9]\d{0,2}$/, 'must be a seat label such as A-12');

/** Seats that the house keeps for itself, each once. */
export const houseBlocks = z
  .array(seatLabel)
  .max(5_000)
  .superRefine((labels, context) => {
    const seen = new Set<string>();
    labels.forEach((label, index) => {
      if (seen.has(label)) context.addIssue({ code: 'custom', path: [index], message: 'this seat stands twice' });
      seen.add(label);
    });
  });

const maxPerBooking = z.number().int().min(1).max(1000);
const pricing = z.enum(['list', 'quoted']).meta({
  description: '`quoted`: the price of each hold comes from the pricing service; `prices` are what it is told of',
});
const quoteFallback = z.enum(['list', 'refuse']).meta({
  description: 'What becomes of a hold with quoted prices when there is no quote: it costs the list price, or 503',
});
const eventFields = z.strictObject({
  venue_id: id('ven'),
  name,
  starts_at: instant,
  ends_at: instant,
  inventory: z.enum(['seats', 'pool']),
  hall_id: id('hal').optional(),
  capacity: z.number().int().min(1).max(1_000_000).optional(),
  numbered: z.boolean().optional(),
  prices,
  max_per_booking: maxPerBooking.optional(),
  pricing: pricing.default('list'),
  quote_fallback: quoteFallback.default('refuse'),
  sales_open_at: instant.nullable().optional(),
  sales_close_at: instant.nullable().optional(),
  house_blocks: houseBlocks.optional(),
});
export const eventPatch = eventFields
  .partial()
  .extend({
    max_per_booking: maxPerBooking.nullable().optional(),
    pricing: pricing.nullable().optional(),
    quote_fallback: quoteFallback.nullable().optional(),
    house_blocks: houseBlocks.nullable().optional(),
  })
  .meta({ id: 'EventPatch' });

export const eventBody = eventFields
  .superRefine((event, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (Date.parse(event.ends_at) <= Date.parse(event.starts_at)) refuse('ends_at', 'must be after starts_at');
    if (event.inventory === 'seats') {
      if (event.hall_id === undefined) refuse('hall_id', 'is required for seats');
      if (event.capacity !== undefined) refuse('capacity', 'comes from the hall');
      if (event.numbered !== undefined) refuse('numbered', 'is for pools');
    } else {
      if (event.hall_id !== undefined) refuse('hall_id', 'is for seats');
      if (event.capacity === undefined) refuse('capacity', 'is required for a pool');
      if (event.house_blocks !== undefined && event.house_blocks.length > 0) refuse('house_blocks', 'is for seats');
    }
    const { sales_open_at: open, sales_close_at: close } = event;
    if (open != null && close != null && Date.parse(close) <= Date.parse(open)) {
      refuse('sales_close_at', 'must be after sales_open_at');
    }
  })
  .meta({ id: 'EventInput' });

export const event = z
  .object({
    id: id('evt'),
    object: z.literal('event'),
    venue_id: id('ven'),
    name,
    starts_at: instant,
    ends_at: instant,
    time_zone: z.string(),
    inventory: z.enum(['seats', 'pool']),
    hall_id: id('hal').nullable(),
    capacity: z.number().int(),
    numbered: z.boolean(),
    currency,
    prices: z.array(z.object({ category: z.string(), amount })),
    max_per_booking: z.number().int().nullable(),
    pricing,
    quote_fallback: quoteFallback,
    sales_open_at: instant.nullable(),
    sales_close_at: instant.nullable(),
    house_blocks: z.array(z.string()),
    cancelled_at: instant.nullable().meta({ description: 'since then nothing of it can be booked' }),
    ...catalogueObject,
  })
  .meta({ id: 'Event' });

export const catalogueListQuery = z.strictObject({ ...pageQuery, venue_id: id('ven').optional() });

export const seatAvailability = z
  .object({
    event_id: id('evt'),
    version: z.number().int(),
    as_of: instant,
    counts: z.object({ available: z.number().int(), locked: z.number().int(), booked: z.number().int() }),
    seats: z
      .array(
        z.object({
          label: z.string(),
          row: z.string(),
          number: z.number().int(),
          category: z.string(),
          status: z.enum(['AVAILABLE', 'LOCKED', 'BOOKED']),
        }),
      )
      .optional(),
  })
  .meta({ id: 'EventAvailability' });

const share = z.object({
  places: z.number().int(),
  percent: z.number().meta({ description: 'of all places that the line is about, to one decimal' }),
});
const shares = {
  locked: share.meta({ description: 'held by customers' }),
  booked: share,
};

/** For operators. What the house keeps is a state of its own here; availability shows it as locked. */
export const occupancy = z
  .object({
    object: z.literal('occupancy'),
    event_id: id('evt'),
    version: z.number().int(),
    as_of: instant,
    places: z.number().int(),
    states: z.object({ available: share, ...shares, blocked: share.meta({ description: 'kept by the house' }) }),
    categories: z.array(
      z.object({
        category: z.string(),
        places: z.number().int().nullable().meta({ description: 'null for a pool: its categories share all places' }),
        states: z.object({ available: share.nullable(), ...shares, blocked: share }),
      }),
    ),
  })
  .meta({ id: 'Occupancy' });
export type OccupancyJson = z.input<typeof occupancy>;

export const eventAvailabilityQuery = z.strictObject({ view: z.enum(['all', 'taken']).default('all') });
export const resourceAvailabilityQuery = z.strictObject({
  date: localDate,
  days: z.coerce.number().int().min(1).max(31).default(1),
});

export const slotAvailability = z
  .object({
    resource_id: id('res'),
    time_zone: z.string(),
    slots: z.array(
      z.object({
        starts_at: instant,
        ends_at: instant,
        status: z.enum(['AVAILABLE', 'LOCKED', 'BOOKED', 'PAST']),
        price: money,
      }),
    ),
  })
  .meta({ id: 'ResourceAvailability' });

/** Nothing to say beside the object in the path. */
export const restoreBody = z.strictObject({}).meta({ id: 'Restore' });
