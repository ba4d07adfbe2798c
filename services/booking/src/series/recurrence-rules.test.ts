import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expandRecurrence, type Occurrence, type Recurrence } from './recurrence-rules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function expand(over: Partial<Recurrence> = {}) {
  return expandRecurrence({
    startsAt: '2027-01-04T18:00',
    durationMinutes: 60,
    rrule: 'FREQ=WEEKLY;COUNT=3',
    timeZone: 'Europe/Paris',
    ...over,
  });
}

function occurrencesOf(over: Partial<Recurrence> = {}): readonly Occurrence[] {
  const result = expand(over);
  if ('refused' in result) throw new Error(result.message);
  return result;
}

const localsOf = (over: Partial<Recurrence> = {}) => occurrencesOf(over).map(({ local }) => local);
const startsOf = (over: Partial<Recurrence> = {}) =>
  occurrencesOf(over).map(({ startsAt }) => startsAt.toISOString().slice(0, 16));

describe('a rule', () => {
  test.each([
    ['FREQ=WEEKLY;COUNT=3', ['2027-01-04T18:00', '2027-01-11T18:00', '2027-01-18T18:00']],
    ['freq=weekly;count=2', ['2027-01-04T18:00', '2027-01-11T18:00']],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=3', ['2027-01-04T18:00', '2027-01-06T18:00', '2027-01-18T18:00']],
    ['FREQ=MONTHLY;BYDAY=1MO;COUNT=3', ['2027-01-04T18:00', '2027-02-01T18:00', '2027-03-01T18:00']],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2;COUNT=2', ['2027-01-04T18:00', '2027-02-02T18:00']],
    ['FREQ=DAILY;BYHOUR=18,20;COUNT=3', ['2027-01-04T18:00', '2027-01-04T20:00', '2027-01-05T18:00']],
    ['FREQ=YEARLY;COUNT=2', ['2027-01-04T18:00', '2028-01-04T18:00']],
    // UNTIL is inclusive; as a date it is the whole of that day in the venue.
    ['FREQ=WEEKLY;UNTIL=20270118T170000Z', ['2027-01-04T18:00', '2027-01-11T18:00', '2027-01-18T18:00']],
    ['FREQ=WEEKLY;UNTIL=20270118T165959Z', ['2027-01-04T18:00', '2027-01-11T18:00']],
    ['FREQ=WEEKLY;UNTIL=20270118', ['2027-01-04T18:00', '2027-01-11T18:00', '2027-01-18T18:00']],
    ['FREQ=WEEKLY;UNTIL=20270117', ['2027-01-04T18:00', '2027-01-11T18:00']],
  ])('%s gives its local times', (rrule, locals) => {
    expect(localsOf({ rrule })).toEqual(locals);
  });

  test('skips dates that a month does not have', () => {
    expect(localsOf({ startsAt: '2027-01-31T18:00', rrule: 'FREQ=MONTHLY;COUNT=3' })).toEqual([
      '2027-01-31T18:00',
      '2027-03-31T18:00',
      '2027-05-31T18:00',
    ]);
  });

  test('may have a thousand occurrences and not one more', () => {
    expect(occurrencesOf({ rrule: 'FREQ=DAILY;COUNT=1000' })).toHaveLength(1_000);
    expect(occurrencesOf({ rrule: 'FREQ=DAILY;UNTIL=20290929' })).toHaveLength(1_000);
    for (const rrule of ['FREQ=DAILY;COUNT=1001', 'FREQ=DAILY;UNTIL=20290930', 'FREQ=DAILY;UNTIL=99991231']) {
      expect(expand({ rrule })).toMatchObject({ refused: 'too_many', field: 'rrule' });
    }
  });

  test.each([
    ['FREQ=WEEKLY', 'endless'],
    ['FREQ=DAILY;BYDAY=MO', 'endless'],
    ['FREQ=WEEKLY;COUNT=3;UNTIL=20270201T000000Z', 'invalid'],
    ['FREQ=WEEKLY;COUNT=0', 'invalid'],
    ['FREQ=WEEKLY;COUNT=-3', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3.5', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;COUNT=4', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;INTERVAL=0', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;FOO=BAR', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;BYSECOND=30', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;BYHOUR=24', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;BYDAY=XX', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;BYDAY=2MO', 'invalid'],
    ['FREQ=MONTHLY;COUNT=3;BYMONTHDAY=32', 'invalid'],
    ['FREQ=HOURLY;COUNT=3', 'invalid'],
    ['FREQ=WEEKLY;UNTIL=20270201T180000', 'invalid'],
    ['FREQ=WEEKLY;UNTIL=20270230', 'invalid'],
    ['FREQ=WEEKLY;UNTIL=20260101', 'invalid'],
    ['FREQ=WEEKLY;COUNT=3;', 'invalid'],
    ['COUNT=3', 'invalid'],
    ['', 'invalid'],
    ['RRULE:FREQ=WEEKLY;COUNT=3', 'invalid'],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1', 'invalid'],
    ['FREQ=YEARLY;INTERVAL=1000;COUNT=30', 'invalid'],
  ])('"%s" is refused: %s', (rrule, refused) => {
    expect(expand({ rrule })).toMatchObject({ refused, field: 'rrule' });
  });

  test('must contain the first occurrence; the refusal names the one that it has', () => {
    expect(expand({ rrule: 'FREQ=WEEKLY;BYDAY=TU;COUNT=3' })).toEqual({
      refused: 'invalid',
      field: 'starts_at',
      message: 'is not an occurrence of the rule; the first one after it is 2027-01-05T18:00',
    });
  });

  test('whatever text it is, the answer is occurrences or a refusal, soon', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'FREQ=DAILY',
        'FREQ=YEARLY',
        'COUNT=9',
        'UNTIL=20271231',
        'BYDAY=MO,-1FR',
        'BYSETPOS=-1',
        'BYWEEKNO=53',
      ),
      fc.constantFrom(
        'BYYEARDAY=366',
        'BYMONTHDAY=31',
        'BYMONTH=2',
        'BYHOUR=0,23',
        'BYMINUTE=0,59',
        'INTERVAL=97',
        'WKST=SU',
      ),
      fc.string({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const result = expand({ rrule: parts.join(';') });
        if ('refused' in result) expect(result.message).not.toBe('');
        else expect(result.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('when the clocks change', () => {
  test('local time is kept', () => {
    expect(startsOf({ startsAt: '2027-03-22T18:00' })).toEqual([
      '2027-03-22T17:00',
      '2027-03-29T16:00',
      '2027-04-05T16:00',
    ]);
  });

  test('a skipped time is read with the offset from before, and the length is elapsed time', () => {
    const daily = { startsAt: '2027-03-27T02:30', rrule: 'FREQ=DAILY;COUNT=3' };
    expect(startsOf(daily)).toEqual(['2027-03-27T01:30', '2027-03-28T01:30', '2027-03-29T00:30']);
    expect(localsOf(daily)).toEqual(['2027-03-27T02:30', '2027-03-28T02:30', '2027-03-29T02:30']);
  });

  test('of a time that comes twice the first is meant', () => {
    expect(startsOf({ startsAt: '2027-10-30T02:30', rrule: 'FREQ=DAILY;COUNT=3' })).toEqual([
      ...['2027-10-30T00:30', '2027-10-31T00:30', '2027-11-01T01:30'],
    ]);
  });

  test('times that fall together in a gap stay in the order of their instants', () => {
    const rrule = 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30;COUNT=4';
    expect(
      occurrencesOf({ startsAt: '2027-03-28T02:00', rrule }).map(({ local, startsAt }) => [
        local.slice(11),
        startsAt.toISOString().slice(11, 16),
      ]),
    ).toEqual([
      ['02:00', '01:00'],
      ['03:00', '01:00'],
      ['02:30', '01:30'],
      ['03:30', '01:30'],
    ]);
  });

  test('a date that a zone skips as a whole does not stop the series', () => {
    // Samoa went from 29 to 31 December 2011.
    expect(startsOf({ startsAt: '2011-12-29T12:00', rrule: 'FREQ=DAILY;COUNT=3', timeZone: 'Pacific/Apia' })).toEqual([
      '2011-12-29T22:00',
      '2011-12-30T22:00',
      '2011-12-30T22:00',
    ]);
  });

  /** Zones that change by an hour in both halves of the world, at midnight, and by half an hour. */
  const ZONES = ['Europe/Paris', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Asia/Beirut'];
  const TEN_YEARS = { from: '2025-01-01T00:00Z', to: '2035-01-01T00:00Z' };

  function transitionsOf(timeZone: string): Temporal.ZonedDateTime[] {
    const end = Temporal.Instant.from(TEN_YEARS.to).epochMilliseconds;
    const found: Temporal.ZonedDateTime[] = [];
    let at = Temporal.Instant.from(TEN_YEARS.from).toZonedDateTimeISO(timeZone).getTimeZoneTransition('next');
    while (at && at.epochMilliseconds < end) {
      found.push(at);
      at = at.getTimeZoneTransition('next');
    }
    return found;
  }

  const TRANSITIONS = ZONES.flatMap((timeZone) => transitionsOf(timeZone).map((at) => ({ timeZone, at })));

  const formats = new Map<string, Intl.DateTimeFormat>();

  /** The offset of a zone at an instant, in minutes: by Intl, which knows nothing of the library under test. */
  function offsetMinutes(timeZone: string, instant: number): number {
    const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
    const text = format.format(instant);
    const match = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(text)!;
    if (!match[1]) return 0;
    return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
  }

  /** What the clock on the wall shows, as `2027-03-28T03:30`. */
  function wallOf(timeZone: string, instant: number): string {
    return new Date(instant + offsetMinutes(timeZone, instant) * 60_000).toISOString().slice(0, 16);
  }

  test('there are transitions to look at in every zone', () => {
    for (const zone of ZONES) expect(TRANSITIONS.filter(({ timeZone }) => timeZone === zone).length).toBe(20);
  });

  /**
   * The day of every transition of these zones in ten years with its neighbours: every quarter of an hour from two hours before the
   * change to two after it, midnight and noon. The expectation is worked out from offsets alone.
   */
  test('each occurrence is where RFC 5545 puts it, around every transition of five zones in ten years', () => {
    const wrong: unknown[] = [];
    for (const { timeZone, at } of TRANSITIONS) {
      const change = at.epochMilliseconds;
      const before = offsetMinutes(timeZone, change - 1) * 60_000;
      const after = offsetMinutes(timeZone, change) * 60_000;
      const near = Array.from({ length: 17 }, (_, index) => change + before + (index - 8) * 900_000);
      for (const wallMs of [
        ...near,
        ...[0, 12].map((hour) => Math.floor(near[8]! / DAY_MS) * DAY_MS + hour * HOUR_MS),
      ]) {
        const walls = [-1, 0, 1].map((days) => new Date(wallMs + days * DAY_MS).toISOString().slice(0, 16));
        const occurrences = occurrencesOf({
          timeZone,
          startsAt: walls[0]!,
          durationMinutes: 90,
          rrule: 'FREQ=DAILY;COUNT=3',
        });
        const expected = walls.map((wall) => {
          const asUtc = Date.parse(`${wall}Z`);
          // With the offset from before when that is before the change, or when the clock skips the time; else with the one after it.
          const early = asUtc - before;
          const skipped = early >= change && asUtc - after < change;
          const starts = early < change || skipped ? early : asUtc - after;
          if (!skipped && wallOf(timeZone, starts) !== wall) wrong.push([timeZone, wall, 'the test is wrong']);
          return { local: wall, startsAt: new Date(starts), endsAt: new Date(starts + 90 * 60_000) };
        });
        if (!isDeepStrictEqual(occurrences, expected)) wrong.push([timeZone, occurrences, expected]);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('any weekly rule around any transition keeps its local time or, in a gap, comes later by the gap', () => {
    const start = fc.record({
      transition: fc.nat({ max: TRANSITIONS.length - 1 }),
      weeksBefore: fc.integer({ min: 0, max: 8 }),
      minute: fc.integer({ min: 0, max: 287 }),
      interval: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(start, ({ transition, weeksBefore, minute, interval }) => {
        const { timeZone, at } = TRANSITIONS[transition]!;
        const date = Temporal.PlainDate.from(wallOf(timeZone, at.epochMilliseconds).slice(0, 10));
        const time = new Date(minute * 300_000).toISOString().slice(11, 16);
        const startsAt = `${date.subtract({ weeks: weeksBefore * interval }).toString()}T${time}`;
        const occurrences = occurrencesOf({ timeZone, startsAt, rrule: `FREQ=WEEKLY;INTERVAL=${interval};COUNT=9` });
        expect(occurrences).toHaveLength(9);
        occurrences.forEach(({ local, startsAt: instant }, index) => {
          expect(local).toBe(`${date.subtract({ weeks: (weeksBefore - index) * interval }).toString()}T${time}`);
          const shown = wallOf(timeZone, instant.getTime());
          const late = (Date.parse(`${shown}:00Z`) - Date.parse(`${local}:00Z`)) / 60_000;
          // Gaps of these zones are half an hour or an hour.
          expect([0, 30, 60]).toContain(late);
          // Late only where nothing shows the local time, and the first where two moments do.
          const offsets = [-86_400_000, 86_400_000].map((ms) => offsetMinutes(timeZone, instant.getTime() + ms));
          const showing = offsets
            .map((offset) => Date.parse(`${local}:00Z`) - offset * 60_000)
            .filter((candidate) => wallOf(timeZone, candidate) === local);
          if (late > 0) expect(showing).toEqual([]);
          else expect(instant.getTime()).toBe(Math.min(...showing));
        });
      }),
      { numRuns: 200 },
    );
  });
});
