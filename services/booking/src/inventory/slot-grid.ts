import { Temporal } from 'temporal-polyfill';
import { DAYS, type Day, type OpeningException } from '@holdfast/shared/contracts/catalogue';

/** What decides which times of a resource can be booked. Opening hours are wall-clock times of `timeZone`; `24:00` ends a day. */
export interface SlotRules {
  readonly timeZone: string;
  readonly slotMinutes: number;
  readonly minSlots: number;
  /** Null: no limit of the resource's own; `MOST_SLOTS` still holds. */
  readonly maxSlots: number | null;
  readonly openingHours: readonly { day: Day; opens: string; closes: string }[];
  /** Local dates that are closed or have hours of their own; the hours of the week do not count on them. Each date once. */
  readonly exceptions?: readonly OpeningException[];
}

export type SlotRefusal = 'in_the_past' | 'outside_opening_hours' | 'off_grid' | 'invalid_duration';

/** The most slots that one booking takes when the resource sets no limit; the contract allows no higher limit either. */
export const MOST_SLOTS = 288;

/** One stretch of opening hours as instants (ms since the epoch), half-open. */
interface Opening {
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;
/** A booking cannot be longer than its most slots at their longest. */
const LONGEST_MS = MOST_SLOTS * DAY_MS;

/**
 * Whether `startsAt` to `endsAt` can be booked, and as how many slots. The refusals are looked for in this order: in the past (a slot
 * that starts at `now` has begun), closed for a part of the time, not on the grid, too few or too many slots.
 *
 * Every opening starts a grid of its own at its instant and steps in elapsed minutes as long as a whole slot fits before closing, so
 * a day on which the clocks change has slots less or more. A booking is a run of slots, each starting where the last one ended:
 * openings that touch (also `24:00` and `00:00` of the next day) count as one as far as their slots meet, and a rest at the end of an
 * opening, too short for a slot, is not bookable.
 */
export function checkSlot(
  rules: SlotRules,
  startsAt: Date,
  endsAt: Date,
  now: Date,
): { ok: true; slots: number } | { ok: false; refusal: SlotRefusal } {
  const start = startsAt.getTime();
  const end = endsAt.getTime();
  if (start <= now.getTime()) return refuse('in_the_past');
  if (end <= start || end - start > LONGEST_MS) return refuse('invalid_duration');

  const calendar = calendarOf(rules);
  const slotMs = rules.slotMinutes * 60_000;
  let covered = start;
  let onGrid = true;
  let slots = 0;
  while (covered < end) {
    const opening = openingAt(calendar, covered);
    if (!opening) return refuse('outside_opening_hours');
    const until = Math.min(opening.to, end);
    // Only the first piece of a run may begin in the middle of an opening, and only the last one may end there.
    onGrid &&= (covered - opening.from) % slotMs === 0 && (until - covered) % slotMs === 0;
    slots += (until - covered) / slotMs;
    covered = until;
  }
  if (!onGrid) return refuse('off_grid');
  if (slots < rules.minSlots || slots > (rules.maxSlots ?? MOST_SLOTS)) return refuse('invalid_duration');
  return { ok: true, slots };
}

/** The slots of a local date (`YYYY-MM-DD`), in order, whether past or taken or free. They never overlap. */
export function slotsOfDate(rules: SlotRules, date: string): { startsAt: Date; endsAt: Date }[] {
  const slotMs = rules.slotMinutes * 60_000;
  const slots: { startsAt: Date; endsAt: Date }[] = [];
  for (const opening of openingsOfDate(rules, Temporal.PlainDate.from(date))) {
    for (let at = opening.from; at + slotMs <= opening.to; at += slotMs) {
      slots.push({ startsAt: new Date(at), endsAt: new Date(at + slotMs) });
    }
  }
  return slots;
}

function refuse(refusal: SlotRefusal): { ok: false; refusal: SlotRefusal } {
  return { ok: false, refusal };
}

/** What decides when a resource is open. */
type OpeningRules = Pick<SlotRules, 'timeZone' | 'openingHours' | 'exceptions'>;

/** The hours of a local date on the wall. */
function hoursOfDate(rules: OpeningRules, date: Temporal.PlainDate): readonly { opens: string; closes: string }[] {
  const exception = rules.exceptions?.find((candidate) => candidate.date === date.toString());
  if (exception) return exception.hours ?? [];
  const day = DAYS[date.dayOfWeek - 1];
  return rules.openingHours.filter((hours) => hours.day === day);
}

function openingsOfDate(rules: OpeningRules, date: Temporal.PlainDate): Opening[] {
  return (
    hoursOfDate(rules, date)
      .map((hours) => ({
        from: instantOf(date, hours.opens, rules.timeZone),
        to: instantOf(date, hours.closes, rules.timeZone),
      }))
      // Hours that lie in a gap of the clock as a whole do not take place.
      .filter((opening) => opening.from < opening.to)
      .sort((a, b) => a.from - b.from)
  );
}

/**
 * The first instant at which the wall clock shows this time or a later one. So a time that the clocks skip is the moment of the
 * change, and of a time that comes twice the first is meant. Read like this, for opening and closing alike, times never change
 * their order, and hours that do not overlap on the wall do not overlap in fact.
 */
function instantOf(date: Temporal.PlainDate, time: string, timeZone: string): number {
  const wall =
    time === '24:00'
      ? date.add({ days: 1 }).toPlainDateTime()
      : date.toPlainDateTime({ hour: Number(time.slice(0, 2)), minute: Number(time.slice(3, 5)) });
  const zoned = wall.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (zoned.toPlainDateTime().equals(wall)) return zoned.epochMilliseconds;
  // In a gap, `earlier` gives a time before the change.
  return zoned.getTimeZoneTransition('next')!.epochMilliseconds;
}

/** Openings by UTC day, so that checking a slot needs no time zone arithmetic once its day was looked at. */
interface Calendar {
  readonly rules: OpeningRules;
  readonly days: Map<number, readonly Opening[]>;
  /** The local dates that were looked at last: each of them meets three UTC days. */
  readonly dates: Map<string, readonly Opening[]>;
}

const CALENDARS_KEPT = 2_000;
const DAYS_KEPT = 800;
const DATES_KEPT = 8;

// Rules are usually read anew from the database for each batch: objects that say the same share one calendar.
const calendarByRules = new WeakMap<SlotRules, Calendar>();
const calendarByContent = new Map<string, Calendar>();

function calendarOf(rules: SlotRules): Calendar {
  let calendar = calendarByRules.get(rules);
  if (calendar) return calendar;
  const content = `${rules.timeZone} ${rules.openingHours.map((h) => `${h.day}${h.opens}${h.closes}`).join()} ${JSON.stringify(rules.exceptions ?? [])}`;
  calendar = calendarByContent.get(content);
  if (!calendar) {
    calendar = {
      rules: {
        timeZone: rules.timeZone,
        openingHours: rules.openingHours.map((hours) => ({ ...hours })),
        exceptions: structuredClone(rules.exceptions ?? []),
      },
      days: new Map(),
      dates: new Map(),
    };
    keep(calendarByContent, content, calendar, CALENDARS_KEPT);
  }
  calendarByRules.set(rules, calendar);
  return calendar;
}

function openingAt(calendar: Calendar, instant: number): Opening | undefined {
  const utcDay = Math.floor(instant / DAY_MS);
  let openings = calendar.days.get(utcDay);
  if (!openings) {
    const date = Temporal.Instant.fromEpochMilliseconds(utcDay * DAY_MS)
      .toZonedDateTimeISO('UTC')
      .toPlainDate();
    // Zones are at most 14 hours from UTC, so a UTC day meets local dates of the same, the former and the next number only.
    openings = [-1, 0, 1]
      .flatMap((days) => openingsOn(calendar, date.add({ days })))
      .filter((opening) => opening.to > utcDay * DAY_MS && opening.from < (utcDay + 1) * DAY_MS);
    keep(calendar.days, utcDay, openings, DAYS_KEPT);
  }
  return openings.find((opening) => opening.from <= instant && instant < opening.to);
}

function openingsOn(calendar: Calendar, date: Temporal.PlainDate): readonly Opening[] {
  const key = date.toString();
  let openings = calendar.dates.get(key);
  if (!openings) {
    openings = openingsOfDate(calendar.rules, date);
    keep(calendar.dates, key, openings, DATES_KEPT);
  }
  return openings;
}

/** Adds to a cache and lets the oldest entry go: what was dropped is worked out again. */
function keep<K, V>(cache: Map<K, V>, key: K, value: V, limit: number): void {
  if (cache.size >= limit) cache.delete(cache.keys().next().value!);
  cache.set(key, value);
}
