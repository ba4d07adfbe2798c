import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { BOOKING_STATUSES } from './bookings.ts';
import { currency, humanText, id, instant, money, timeZone } from './common.ts';

/** The most occurrences of one series, those that are left out included. */
export const MOST_OCCURRENCES = 1_000;

/** `2027-01-04T18:00`: wall-clock time of the venue, to the minute, without an offset. */
export const localDateTime = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d(?::00)?$/,
    'must be a local time of the venue without an offset, e.g. 2027-01-04T18:00',
  )
  .refine(isCalendarDate, 'there is no such date')
  .transform((text) => text.slice(0, 16))
  .meta({ type: 'string', examples: ['2027-01-04T18:00'] });

function isCalendarDate(text: string): boolean {
  return z.iso.date().safeParse(text.slice(0, 10)).success;
}

const DURATION = /^PT(?=\d)(?:(\d{1,3})H)?(?:(\d{1,5})M)?$/;
/** A month of elapsed time; the resource's own limits are narrower. */
const MOST_MINUTES = 31 * 24 * 60;

/** Elapsed hours and minutes as in ISO 8601, e.g. `PT1H30M`; parsed into minutes. A day is not always 24 hours, so days are refused. */
export const duration = z
  .string()
  .regex(DURATION, 'must be hours and minutes, e.g. PT1H30M')
  .transform((text) => {
    const [, hours = '0', minutes = '0'] = DURATION.exec(text)!;
    return Number(hours) * 60 + Number(minutes);
  })
  .refine((minutes) => minutes > 0 && minutes <= MOST_MINUTES, 'must be longer than nothing and at most 31 days')
  .meta({ type: 'string', examples: ['PT1H30M'] });

const exceptions = z
  .array(localDateTime)
  .max(MOST_OCCURRENCES)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    list.forEach((occurrence, index) => {
      if (seen.has(occurrence)) {
        context.addIssue({ code: 'custom', path: [index], message: 'this occurrence stands twice' });
      }
      seen.add(occurrence);
    });
  });

export const seriesBody = z
  .strictObject({
    resource_id: id('res'),
    starts_at: localDateTime.meta({ description: 'the first occurrence, which the rule must contain' }),
    duration,
    rrule: z
      .string()
      .min(1)
      .max(500)
      .meta({
        description: 'value of an RRULE (RFC 5545), daily or slower, with COUNT or UNTIL',
        examples: ['FREQ=WEEKLY;COUNT=52'],
      }),
    time_zone: timeZone.optional().meta({ description: 'refused unless it is the zone of the venue' }),
    exceptions: exceptions.default([]).meta({ description: 'occurrences to leave out' }),
    skip_conflicts: z
      .boolean()
      .default(false)
      .meta({ description: 'leave out what is taken or closed, instead of refusing the series' }),
  })
  .meta({ id: 'SeriesInput' });
export type SeriesInput = z.output<typeof seriesBody>;

export const dropOccurrenceBody = z
  .strictObject({ occurrence: localDateTime, reason: humanText(10, 500) })
  .meta({ id: 'SeriesException' });

export const cancelSeriesBody = z
  .strictObject({
    reason: humanText(10, 500),
    from: localDateTime
      .optional()
      .meta({ description: 'this occurrence and all that follow; all that are still to come when absent' }),
  })
  .meta({ id: 'SeriesCancel' });

export const seriesListQuery = z.strictObject({ ...pageQuery, user_id: id('usr').optional() });

const occurrenceTimes = {
  occurrence: z.string().meta({ description: 'wall-clock time by the rule, which names the occurrence' }),
  starts_at: instant,
  ends_at: instant,
};

/** Times only: whose they are is nobody's business. */
const conflict = z.object({
  starts_at: instant,
  ends_at: instant,
  with: z.enum(['booking', 'series', 'waitlist', 'this_series']).meta({
    description:
      'a booking; an occurrence of another series that waits for its hold; somebody on the waitlist who is served before; an earlier one of this series',
  }),
});

export const OCCURRENCE_VERDICTS = ['free', 'conflict', 'closed', 'excepted'] as const;

export const occurrenceVerdict = z
  .object({
    ...occurrenceTimes,
    verdict: z.enum(OCCURRENCE_VERDICTS),
    code: z
      .enum(['in_the_past', 'outside_opening_hours', 'off_grid', 'invalid_duration'])
      .nullable()
      .meta({ description: 'why it is closed' }),
    conflicts: z.array(conflict).meta({ description: 'the parts of its time that are taken' }),
    price: money.nullable().meta({ description: 'of a free one' }),
  })
  .meta({ id: 'OccurrenceVerdict' });
export type OccurrenceVerdictJson = z.input<typeof occurrenceVerdict>;

export const seriesPreview = z
  .object({
    object: z.literal('series_preview'),
    resource_id: id('res'),
    time_zone: z.string(),
    counts: z.object({
      free: z.number().int(),
      conflict: z.number().int(),
      closed: z.number().int(),
      excepted: z.number().int(),
    }),
    price: money.meta({ description: 'of all that are free' }),
    occurrences: z.array(occurrenceVerdict),
  })
  .meta({ id: 'SeriesPreview' });
export type SeriesPreviewJson = z.input<typeof seriesPreview>;

const occurrenceBooking = z.object({
  id: id('bkg'),
  reference: z.string(),
  status: z.enum(BOOKING_STATUSES),
  price: money,
  hold_expires_at: instant.nullable(),
  cancel_requested_at: instant.nullable(),
});

export const seriesOccurrence = z
  .object({
    ...occurrenceTimes,
    booking: occurrenceBooking.nullable().meta({ description: 'null for one that was left out' }),
    left_out: z
      .enum(['conflict', 'closed', 'excepted'])
      .nullable()
      .meta({ description: 'why there is no booking: decided when the series was accepted' }),
  })
  .meta({ id: 'SeriesOccurrence' });

const seriesFields = {
  id: id('ser'),
  object: z.literal('series'),
  status: z.enum(['ACTIVE', 'ENDED']).meta({ description: 'ENDED when nothing is still to come' }),
  user_id: id('usr'),
  resource_id: id('res'),
  title: z.string(),
  starts_at: z.string(),
  duration: z.string(),
  rrule: z.string(),
  time_zone: z.string(),
  skip_conflicts: z.boolean(),
  currency,
  counts: z
    .partialRecord(z.enum(BOOKING_STATUSES), z.number().int())
    .meta({ description: 'bookings by status; those that are none are not listed' }),
  next_occurrence_at: instant.nullable(),
  server_now: instant,
  created_at: instant,
};

/** A series in a list. */
export const seriesSummary = z.object(seriesFields).meta({ id: 'SeriesSummary' });
export type SeriesSummaryJson = z.input<typeof seriesSummary>;

export const series = z.object({ ...seriesFields, occurrences: z.array(seriesOccurrence) }).meta({ id: 'Series' });
export type SeriesJson = z.input<typeof series>;
