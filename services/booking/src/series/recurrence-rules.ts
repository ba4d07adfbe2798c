import { RRuleTemporal } from 'rrule-temporal';
import { Temporal } from 'temporal-polyfill';
import { MOST_OCCURRENCES } from '@holdfast/shared/contracts/series';

/** What a series repeats. */
export interface Recurrence {
  /** First occurrence as wall-clock time, `2027-01-04T18:00`. */
  readonly startsAt: string;
  readonly durationMinutes: number;
  /** Value of an RRULE. */
  readonly rrule: string;
  /** IANA zone of the venue. */
  readonly timeZone: string;
}

/** One time of a series; `local` is what the rule says, the instants are what that means in the zone. */
export interface Occurrence {
  readonly local: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

export interface RecurrenceRefusal {
  readonly refused: 'invalid' | 'endless' | 'too_many';
  /** What is wrong, for the client. */
  readonly message: string;
  readonly field: 'rrule' | 'starts_at';
}

/** The parts of an RRULE that a series may have, with the range of each number; `null` takes words. */
const PARTS: Readonly<Record<string, { from: number; to: number; negative?: boolean } | null>> = {
  FREQ: null,
  UNTIL: null,
  COUNT: { from: 1, to: 999_999_999 },
  INTERVAL: { from: 1, to: 10_000 },
  BYMINUTE: { from: 0, to: 59 },
  BYHOUR: { from: 0, to: 23 },
  BYDAY: null,
  BYMONTHDAY: { from: 1, to: 31, negative: true },
  BYYEARDAY: { from: 1, to: 366, negative: true },
  BYWEEKNO: { from: 1, to: 53, negative: true },
  BYMONTH: { from: 1, to: 12 },
  BYSETPOS: { from: 1, to: 366, negative: true },
  WKST: null,
};
const WORDS: Readonly<Record<string, RegExp>> = {
  FREQ: /^(?:DAILY|WEEKLY|MONTHLY|YEARLY)$/,
  BYDAY: /^(?:[+-]?(?:[1-9]|[1-4]\d|5[0-3]))?(?:MO|TU|WE|TH|FR|SA|SU)$/,
  WKST: /^(?:MO|TU|WE|TH|FR|SA|SU)$/,
};
const SINGLE = ['FREQ', 'UNTIL', 'COUNT', 'INTERVAL', 'WKST'];

/** Steps and candidates after which a rule counts as one that hardly ever matches; they take some 25 ms. */
const MOST_STEPS = 5_000;
const MOST_CANDIDATES = 50_000;

/**
 * The occurrences of a series, in order, as instants: at most `MOST_OCCURRENCES`, at least one.
 *
 * The rule is worked out on the wall clock and each time is read in the zone after that, so the wall-clock time is kept when the
 * clocks change. A time that is skipped is read with the offset from before the gap (02:30 becomes 03:30), of a time that comes
 * twice the first is meant (RFC 5545 section 3.3.5). The first occurrence must be `startsAt` itself.
 */
export function expandRecurrence(recurrence: Recurrence): readonly Occurrence[] | RecurrenceRefusal {
  const parts = readParts(recurrence.rrule);
  if ('refused' in parts) return parts;
  const until = readUntil(parts, recurrence.timeZone);
  if (until !== null && typeof until !== 'number') return until;

  const walls = wallTimes(parts, recurrence.startsAt, until);
  if (!Array.isArray(walls)) return walls;
  const instantOf = clockOf(recurrence.timeZone);
  if (walls.length > MOST_OCCURRENCES && instantOf(walls.at(-1)!) <= (until ?? Infinity)) {
    return { refused: 'too_many', field: 'rrule', message: `at most ${MOST_OCCURRENCES} occurrences` };
  }
  const occurrences: Occurrence[] = [];
  for (const wall of walls) {
    const startsAt = instantOf(wall);
    if (until !== null && startsAt > until) continue;
    occurrences.push({
      local: new Date(wall).toISOString().slice(0, 16),
      startsAt: new Date(startsAt),
      endsAt: new Date(startsAt + recurrence.durationMinutes * 60_000),
    });
  }
  if (occurrences.length === 0) return invalid('ends before it begins');
  if (occurrences[0]!.local !== recurrence.startsAt) {
    return {
      refused: 'invalid',
      field: 'starts_at',
      message: `is not an occurrence of the rule; the first one after it is ${occurrences[0]!.local}`,
    };
  }
  // A skipped time is read later than the times after it: 02:30 is 03:30, and 03:00 stays.
  return occurrences.sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
}

type Parts = ReadonlyMap<string, string>;

function readParts(rrule: string): Parts | RecurrenceRefusal {
  const parts = new Map<string, string>();
  for (const part of rrule.toUpperCase().split(';')) {
    const [name = '', value = ''] = part.split('=', 2);
    if (!Object.hasOwn(PARTS, name)) {
      return invalid(
        `${name.slice(0, 20) || 'an empty part'} is not known; known are ${Object.keys(PARTS).join(', ')}`,
      );
    }
    if (parts.has(name)) return invalid(`${name} stands twice`);
    if (part !== `${name}=${value}` || !hasValidValue(name, value)) {
      return invalid(
        name === 'FREQ'
          ? 'FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY; several times a day are BYHOUR and BYMINUTE'
          : `${name} has a value that it cannot have`,
      );
    }
    parts.set(name, value);
  }
  if (!parts.has('FREQ')) return invalid('FREQ is missing');
  if (parts.has('COUNT') && parts.has('UNTIL')) return invalid('COUNT and UNTIL cannot stand together');
  if (!parts.has('COUNT') && !parts.has('UNTIL')) {
    return { refused: 'endless', field: 'rrule', message: 'add COUNT or UNTIL' };
  }
  if (Number(parts.get('COUNT') ?? 0) > MOST_OCCURRENCES) {
    return { refused: 'too_many', field: 'rrule', message: `at most ${MOST_OCCURRENCES} occurrences` };
  }
  return parts;
}

function hasValidValue(name: string, value: string): boolean {
  const items = value.split(',');
  if (items.length > 1 && SINGLE.includes(name)) return false;
  if (new Set(items).size !== items.length) return false;
  const range = PARTS[name];
  if (!range) return name === 'UNTIL' || items.every((item) => WORDS[name]!.test(item));
  return items.every((item) => {
    if (!(range.negative ? /^[+-]?\d{1,9}$/ : /^\d{1,9}$/).test(item)) return false;
    const size = Math.abs(Number(item));
    return size >= range.from && size <= range.to;
  });
}

/**
 * The last instant at which an occurrence may begin, in ms since the epoch; null without UNTIL. RFC 5545 wants it in UTC; a date
 * alone is that whole day in the venue, as many calendars write it.
 */
function readUntil(parts: Parts, timeZone: string): number | null | RecurrenceRefusal {
  const text = parts.get('UNTIL');
  if (text === undefined) return null;
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})Z)?$/.exec(text);
  if (!match) return invalid('UNTIL must be a time in UTC, e.g. 20271231T170000Z, or a date, e.g. 20271231');
  const [, year, month, day, hour, minute, second] = match;
  try {
    const date = Temporal.PlainDate.from(`${year}-${month}-${day}`);
    if (hour === undefined) return date.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds - 1;
    return date.toPlainDateTime(`${hour}:${minute}:${second}`).toZonedDateTime('UTC').epochMilliseconds;
  } catch {
    return invalid('UNTIL is no date of the calendar');
  }
}

const DAY_MS = 86_400_000;

/**
 * What a clock on the wall shows, as the ms since the epoch at which a clock in UTC shows it. Most of the work on rules is adding up
 * times, and numbers do that a good deal faster than calendar objects.
 */
type WallTime = number;

const LAST_WALL: WallTime = Date.parse('9999-12-31T23:59:59Z');

/**
 * Reads wall-clock times of a zone as instants, ms since the epoch. Asking the zone is dear, so times that are days away from any
 * change of the clocks are worked out with the offset of the time before them.
 */
function clockOf(timeZone: string): (wall: WallTime) => number {
  let calm = { from: Infinity, to: -Infinity, offset: 0 };
  return (wall) => {
    const guess = wall - calm.offset;
    if (guess > calm.from + 2 * DAY_MS && guess < calm.to - 2 * DAY_MS) return guess;
    const zoned = Temporal.Instant.fromEpochMilliseconds(wall)
      .toZonedDateTimeISO('UTC')
      .toPlainDateTime()
      .toZonedDateTime(timeZone, { disambiguation: 'compatible' });
    const instant = zoned.epochMilliseconds;
    if (instant < calm.from || instant >= calm.to) {
      calm = {
        from: zoned.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity,
        to: zoned.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity,
        offset: zoned.offsetNanoseconds / 1_000_000,
      };
    }
    return instant;
  };
}

/** What the rule says on the wall clock: worked out in UTC, where no clock ever changes, and one more than is allowed. */
function wallTimes(parts: Parts, startsAt: string, until: number | null): WallTime[] | RecurrenceRefusal {
  const text = [...parts]
    .filter(([name]) => name !== 'UNTIL')
    .map(([name, value]) => `${name}=${value}`)
    .join(';');
  try {
    const rule = new RRuleTemporal({
      rruleString: text,
      dtstart: Temporal.PlainDateTime.from(startsAt).toZonedDateTime('UTC'),
      strict: true,
      maxIterations: MOST_STEPS,
      maxCandidateEvaluations: MOST_CANDIDATES,
      // No zone is more than a day away from UTC: what lies between is looked at again in the zone.
      ...(until === null
        ? {}
        : { until: Temporal.Instant.fromEpochMilliseconds(until + DAY_MS).toZonedDateTimeISO('UTC') }),
    });
    const walls = rule.all((_, index) => index <= MOST_OCCURRENCES).map((occurrence) => occurrence.epochMilliseconds);
    return walls.some((wall) => wall > LAST_WALL) ? invalid('goes beyond the year 9999') : walls;
  } catch (error) {
    // The library says in its own words what the syntax above does not catch, e.g. BYWEEKNO without YEARLY.
    const said = error instanceof Error ? error.message : 'cannot be read';
    return invalid(/iterations|candidate/i.test(said) ? 'matches no date, or hardly ever one' : said);
  }
}

function invalid(message: string): RecurrenceRefusal {
  return { refused: 'invalid', field: 'rrule', message };
}
