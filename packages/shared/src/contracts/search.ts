import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { categoryName } from './catalogue.ts';
import { amount, currency, id, instant, money } from './common.ts';

/** Texts are searched by their words, so nothing but what cannot be text at all is refused. */
const searchText = z
  .string()
  .max(200)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text');

const amountInQuery = z
  .string()
  .regex(/^\d{1,16}$/, 'must be minor units, e.g. 4500')
  .transform(Number)
  .pipe(amount)
  .meta({ type: 'integer', minimum: 0 });

/** The most days that a search for free times of resources looks at. */
export const MOST_DAYS = 31;

export const searchQuery = z
  .strictObject({
    ...pageQuery,
    q: searchText.optional().meta({
      description:
        'words of the name, or of the venue’s name, address or time zone; the beginnings will do, typos are forgiven',
    }),
    type: z.enum(['event', 'resource']).optional(),
    venue_id: id('ven').optional(),
    from: instant.optional().meta({ description: 'events that start at this time or later' }),
    to: instant.optional().meta({ description: 'events that start before this time' }),
    category: categoryName.optional().meta({ description: 'events that sell this price category' }),
    min_price: amountInQuery.optional().meta({ description: 'of one place or slot, in minor units' }),
    max_price: amountInQuery.optional(),
    currency: currency.optional(),
    available: z
      .enum(['true', 'false'])
      .optional()
      .meta({
        description: `true: something can be booked now; of a resource, between from (now) and to (7 days, at most ${MOST_DAYS})`,
      }),
  })
  .superRefine((query, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (query.from !== undefined && query.to !== undefined && Date.parse(query.to) <= Date.parse(query.from)) {
      refuse('to', 'must be after from');
    }
    if (query.min_price !== undefined && query.max_price !== undefined && query.max_price < query.min_price) {
      refuse('max_price', 'must not be below min_price');
    }
    if (query.type === 'resource' && query.category !== undefined) refuse('category', 'is of events');
  });
export type SearchQuery = z.output<typeof searchQuery>;

export const searchResult = z
  .object({
    object: z.literal('search_result'),
    type: z.enum(['event', 'resource']),
    id: z.union([id('evt'), id('res')]),
    name: z.string(),
    venue: z.object({ id: id('ven'), name: z.string(), address: z.string().nullable() }),
    time_zone: z.string(),
    starts_at: instant.nullable().meta({ description: 'null for a resource' }),
    ends_at: instant.nullable(),
    categories: z.array(z.string()),
    price_from: money.meta({ description: 'of one place of the cheapest category, or of one slot' }),
    price_to: money,
    available: z.boolean().nullable().meta({
      description: 'whether something could be booked a moment ago; null for a resource unless available was asked for',
    }),
  })
  .meta({ id: 'SearchResult' });
export type SearchResultJson = z.input<typeof searchResult>;
