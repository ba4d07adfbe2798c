import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { DAYS } from '@holdfast/shared/contracts/catalogue';
import { checkSlot, MOST_SLOTS, slotsOfDate, type SlotRules } from './slot-grid.ts';

const LONG_AGO = new Date('1990-01-01T00:00:00Z');
const ALWAYS = DAYS.map((day) => ({ day, opens: '00:00', closes: '24:00' }));

function rulesWith(overrides: Partial<SlotRules> = {}): SlotRules {
  return {
    timeZone: 'Europe/Paris',
    slotMinutes: 60,
    minSlots: 1,
    maxSlots: null,
    openingHours: DAYS.map((day) => ({ day, opens: '08:00', closes: '22:00' })),
    ...overrides,
  };
}

function check(rules: SlotRules, startsAt: string, endsAt: string, now = LONG_AGO) {
  return checkSlot(rules, new Date(startsAt), new Date(endsAt), now);
}

function startsOf(rules: SlotRules, date: string): string[] {
  return slotsOfDate(rules, date).map((slot) => slot.startsAt.toISOString().slice(0, 16));
}

describe('on an ordinary day', () => {
  test('the grid starts at opening time in local time and ends with the last whole slot', () => {
    const rules = rulesWith({ slotMinutes: 90, openingHours: [{ day: 'mon', opens: '08:00', closes: '12:00' }] });
    expect(startsOf(rules, '2027-01-04')).toEqual(['2027-01-04T07:00', '2027-01-04T08:30']);
    expect(startsOf(rules, '2027-01-05')).toEqual([]);
  });

  test('a booking may take several slots', () => {
    expect(check(rulesWith(), '2027-01-04T17:00Z', '2027-01-04T20:00Z')).toEqual({ ok: true, slots: 3 });
  });

  test.each([
    ['before opening', '2027-01-04T06:00Z', '2027-01-04T08:00Z', 'outside_opening_hours'],
    ['past closing', '2027-01-04T20:00Z', '2027-01-04T22:00Z', 'outside_opening_hours'],
    ['over a night', '2027-01-04T20:00Z', '2027-01-05T08:00Z', 'outside_opening_hours'],
    ['start off the grid', '2027-01-04T08:30Z', '2027-01-04T10:00Z', 'off_grid'],
    ['end off the grid', '2027-01-04T08:00Z', '2027-01-04T09:30Z', 'off_grid'],
    ['off the grid by a millisecond', '2027-01-04T08:00:00.001Z', '2027-01-04T09:00:00.001Z', 'off_grid'],
    ['end before start', '2027-01-04T09:00Z', '2027-01-04T08:00Z', 'invalid_duration'],
    ['longer than anything', '2027-01-04T09:00Z', '2037-01-04T08:00Z', 'invalid_duration'],
    ['a year that no calendar has reached', '9999-12-31T09:00Z', '9999-12-31T10:30Z', 'off_grid'],
  ] as const)('%s is refused', (_name, startsAt, endsAt, refusal) => {
    expect(check(rulesWith(), startsAt, endsAt)).toEqual({ ok: false, refusal });
  });

  test('a slot that has begun lies in the past', () => {
    const [startsAt, endsAt] = ['2027-01-04T08:00:00.000Z', '2027-01-04T09:00:00.000Z'];
    expect(check(rulesWith(), startsAt, endsAt, new Date(startsAt))).toEqual({ ok: false, refusal: 'in_the_past' });
    expect(check(rulesWith(), startsAt, endsAt, new Date('2027-01-04T07:59:59.999Z'))).toEqual({ ok: true, slots: 1 });
  });

  test('too few and too many slots are refused', () => {
    const rules = rulesWith({ minSlots: 2, maxSlots: 3 });
    expect(check(rules, '2027-01-04T08:00Z', '2027-01-04T09:00Z')).toEqual({ ok: false, refusal: 'invalid_duration' });
    expect(check(rules, '2027-01-04T08:00Z', '2027-01-04T11:00Z')).toEqual({ ok: true, slots: 3 });
    expect(check(rules, '2027-01-04T08:00Z', '2027-01-04T12:00Z')).toEqual({ ok: false, refusal: 'invalid_duration' });
    const unlimited = rulesWith({ slotMinutes: 5, openingHours: ALWAYS });
    expect(check(unlimited, '2027-01-04T00:00Z', '2027-01-05T00:00Z')).toEqual({ ok: true, slots: MOST_SLOTS });
    expect(check(unlimited, '2027-01-04T00:00Z', '2027-01-05T00:05Z')).toEqual({
      ok: false,
      refusal: 'invalid_duration',
    });
  });
});

describe('when openings touch', () => {
  test('a booking runs over midnight from 24:00 into 00:00', () => {
    const rules = rulesWith({
      openingHours: [
        { day: 'mon', opens: '20:00', closes: '24:00' },
        { day: 'tue', opens: '00:00', closes: '02:00' },
      ],
    });
    expect(check(rules, '2027-01-04T22:00Z', '2027-01-05T01:00Z')).toEqual({ ok: true, slots: 3 });
    expect(check(rules, '2027-01-04T22:00Z', '2027-01-05T02:00Z')).toMatchObject({ refusal: 'outside_opening_hours' });
  });

  test('a rest that is too short for a slot ends the run', () => {
    const rules = rulesWith({
      slotMinutes: 90,
      openingHours: [
        { day: 'mon', opens: '08:00', closes: '12:00' },
        { day: 'mon', opens: '12:00', closes: '15:00' },
      ],
    });
    expect(startsOf(rules, '2027-01-04')).toEqual([
      '2027-01-04T07:00',
      '2027-01-04T08:30',
      '2027-01-04T11:00',
      '2027-01-04T12:30',
    ]);
    expect(check(rules, '2027-01-04T08:30Z', '2027-01-04T11:30Z')).toEqual({ ok: false, refusal: 'off_grid' });
  });
});

describe('on a date of its own', () => {
  const rules = rulesWith({
    exceptions: [
      { date: '2027-01-05', closed: true },
      { date: '2027-01-06', hours: [{ opens: '22:00', closes: '24:00' }] },
      { date: '2027-01-07', hours: [{ opens: '00:00', closes: '01:00' }] },
    ],
  });

  test('it is closed, or open at the hours of the date and no others', () => {
    expect(startsOf(rules, '2027-01-05')).toEqual([]);
    expect(startsOf(rules, '2027-01-06')).toEqual(['2027-01-06T21:00', '2027-01-06T22:00']);
    expect(startsOf(rules, '2027-01-12')).toHaveLength(14);
    expect(check(rules, '2027-01-05T08:00Z', '2027-01-05T09:00Z')).toMatchObject({ refusal: 'outside_opening_hours' });
    expect(check(rules, '2027-01-06T08:00Z', '2027-01-06T09:00Z')).toMatchObject({ refusal: 'outside_opening_hours' });
    expect(check(rules, '2027-01-06T21:00Z', '2027-01-07T00:00Z')).toEqual({ ok: true, slots: 3 });
  });

  test('the same hours of the week with other exceptions are other rules', () => {
    expect(check(rulesWith(), '2027-01-05T08:00Z', '2027-01-05T09:00Z')).toEqual({ ok: true, slots: 1 });
  });
});

describe('when the clocks change', () => {
  const morning = (opens: string, closes: string) =>
    rulesWith({ slotMinutes: 30, openingHours: [{ day: 'sun', opens, closes }] });

  test('a whole day has 23 slots of an hour in spring and 25 in autumn', () => {
    const rules = rulesWith({ openingHours: ALWAYS });
    expect(slotsOfDate(rules, '2026-03-29')).toHaveLength(23);
    expect(slotsOfDate(rules, '2026-10-25')).toHaveLength(25);
    expect(check(rules, '2026-03-28T23:00Z', '2026-03-29T22:00Z')).toEqual({ ok: true, slots: 23 });
    expect(check(rules, '2026-10-24T22:00Z', '2026-10-25T23:00Z')).toEqual({ ok: true, slots: 25 });
  });

  test('an opening time that is skipped opens at the moment of the change', () => {
    expect(startsOf(morning('02:30', '04:00'), '2026-03-29')).toEqual(['2026-03-29T01:00', '2026-03-29T01:30']);
  });

  test('a closing time that is skipped closes at the moment of the change', () => {
    expect(startsOf(morning('01:00', '02:30'), '2026-03-29')).toEqual(['2026-03-29T00:00', '2026-03-29T00:30']);
  });

  test('hours that are skipped as a whole do not take place', () => {
    expect(startsOf(morning('02:00', '03:00'), '2026-03-29')).toEqual([]);
  });

  test('of a time that comes twice the first is meant', () => {
    expect(startsOf(morning('02:30', '03:00'), '2026-10-25')).toEqual([
      '2026-10-25T00:30',
      '2026-10-25T01:00',
      '2026-10-25T01:30',
    ]);
    expect(startsOf(morning('02:00', '02:30'), '2026-10-25')).toEqual(['2026-10-25T00:00']);
  });

  test('a midnight that is skipped opens at one in the morning', () => {
    const rules = rulesWith({ timeZone: 'America/Sao_Paulo', openingHours: ALWAYS });
    expect(startsOf(rules, '2018-11-04')[0]).toBe('2018-11-04T03:00');
    expect(slotsOfDate(rules, '2018-11-04')).toHaveLength(23);
  });

  test('a date that is skipped has no slots', () => {
    expect(slotsOfDate(rulesWith({ timeZone: 'Pacific/Apia', openingHours: ALWAYS }), '2011-12-30')).toEqual([]);
  });
});

describe('around every change of the clocks', () => {
  /** Each change of the zone in these years as the local date just after it; a zone without any gives some dates of its own. */
  function datesOfChange(timeZone: string, from: number, to: number): string[] {
    const dates: string[] = [];
    let at: Temporal.ZonedDateTime | null = Temporal.PlainDate.from({ year: from, month: 1, day: 1 }).toZonedDateTime(
      timeZone,
    );
    while ((at = at.getTimeZoneTransition('next')) !== null && at.year <= to) dates.push(at.toPlainDate().toString());
    return dates.length > 0 ? dates : [`${from}-02-29`, `${from}-12-31`];
  }

  const CASES = [
    ['Europe/Paris', 2024, 2034, 22],
    ['America/New_York', 2024, 2034, 22],
    ['Australia/Lord_Howe', 2024, 2034, 22],
    ['America/Sao_Paulo', 2008, 2019, 23],
    ['Asia/Kolkata', 2024, 2034, 2],
  ] as const;

  const dateOfChange = fc.oneof(
    ...CASES.map(([timeZone, from, to, count]) => {
      const dates = datesOfChange(timeZone, from, to);
      if (dates.length !== count) throw new Error(`${timeZone}: expected ${count} changes, found ${dates.length}`);
      return fc.record({
        timeZone: fc.constant(timeZone),
        date: fc
          .tuple(fc.constantFrom(...dates), fc.integer({ min: -1, max: 1 }))
          .map(([date, days]) => Temporal.PlainDate.from(date).add({ days }).toString()),
      });
    }),
  );

  const clock = (minutes: number) =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

  /** Hours that do not overlap on the wall, in any order; many of them touch, many lie in the night when clocks change. */
  const hoursOfDay = fc
    .uniqueArray(
      fc.oneof(
        fc.integer({ min: 0, max: 288 }).map((n) => n * 5),
        fc.integer({ min: 0, max: 16 }).map((n) => n * 15),
        fc.constantFrom(0, 60, 120, 180, 1380, 1440),
      ),
      { minLength: 2, maxLength: 6 },
    )
    .map((edges) => edges.sort((a, b) => a - b))
    .chain((edges) =>
      fc
        .subarray(
          edges.slice(1).map((edge, index) => ({ opens: clock(edges[index]!), closes: clock(edge) })),
          { minLength: 1 },
        )
        .chain((hours) => fc.shuffledSubarray(hours, { minLength: hours.length })),
    );

  const setting = fc.record({
    at: dateOfChange,
    hours: hoursOfDay,
    slotMinutes: fc.constantFrom(5, 15, 20, 30, 45, 60, 90, 120, 1440),
    /** Days from the date on which other hours are kept; without hours it is closed. */
    exceptions: fc.uniqueArray(
      fc.record({ offset: fc.integer({ min: -1, max: 1 }), hours: fc.option(hoursOfDay, { nil: undefined }) }),
      { maxLength: 2, selector: ({ offset }) => offset },
    ),
  });
  type Setting = typeof setting extends fc.Arbitrary<infer S> ? S : never;

  const settingRules = ({ at, hours, slotMinutes, exceptions }: Setting) =>
    rulesWith({
      timeZone: at.timeZone,
      slotMinutes,
      openingHours: DAYS.flatMap((day) => hours.map((entry) => ({ day, ...entry }))),
      exceptions: exceptions.map(({ offset, hours: special }) => ({
        date: Temporal.PlainDate.from(at.date).add({ days: offset }).toString(),
        ...(special ? { hours: special } : { closed: true as const }),
      })),
    });

  /** The hours that count on the date itself. */
  const hoursOf = ({ hours, exceptions }: Setting) => {
    const exception = exceptions.find(({ offset }) => offset === 0);
    return exception ? (exception.hours ?? []) : hours;
  };

  test('slots are in order, never overlap and have their full length', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const slots = slotsOfDate(settingRules(given), given.at.date);
        slots.forEach((slot, index) => {
          expect(slot.endsAt.getTime() - slot.startsAt.getTime()).toBe(given.slotMinutes * 60_000);
          const next = slots[index + 1];
          if (next) expect(next.startsAt.getTime()).toBeGreaterThanOrEqual(slot.endsAt.getTime());
        });
      }),
      { numRuns: 500 },
    );
  });

  test('neighbouring dates do not overlap either', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const rules = settingRules(given);
        const next = Temporal.PlainDate.from(given.at.date).add({ days: 1 }).toString();
        const last = slotsOfDate(rules, given.at.date).at(-1);
        const first = slotsOfDate(rules, next)[0];
        if (last && first) expect(first.startsAt.getTime()).toBeGreaterThanOrEqual(last.endsAt.getTime());
      }),
      { numRuns: 300 },
    );
  });

  test('every slot lies in the opening hours, as a wall clock of another make shows them', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const wall = new Intl.DateTimeFormat('en-CA', {
          timeZone: given.at.timeZone,
          dateStyle: 'short',
          timeStyle: 'short',
          hourCycle: 'h23',
        });
        for (const { startsAt } of slotsOfDate(settingRules(given), given.at.date)) {
          const [date, time] = wall.format(startsAt).split(', ') as [string, string];
          expect(date).toBe(given.at.date);
          // An opening that spans an hour which comes twice is open throughout, whatever the wall shows the second time.
          const open = hoursOf(given).some((hours) => hours.opens <= time && time < hours.closes);
          expect(open || secondTime(startsAt, given.at.timeZone)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  /** Whether the wall clock showed this very time before. */
  function secondTime(instant: Date, timeZone: string): boolean {
    const zoned = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone);
    return !zoned.toPlainDateTime().toZonedDateTime(timeZone, { disambiguation: 'earlier' }).equals(zoned);
  }

  test('every slot passes the check, alone and together with those that follow without a break', () => {
    fc.assert(
      fc.property(setting, (given) => {
        const rules = settingRules(given);
        const slots = slotsOfDate(rules, given.at.date);
        slots.forEach((slot, index) => {
          expect(checkSlot(rules, slot.startsAt, slot.endsAt, LONG_AGO)).toEqual({ ok: true, slots: 1 });
          let last = index;
          while (slots[last + 1]?.startsAt.getTime() === slots[last]!.endsAt.getTime() && last - index < 20) last++;
          expect(checkSlot(rules, slot.startsAt, slots[last]!.endsAt, LONG_AGO)).toEqual({
            ok: true,
            slots: last - index + 1,
          });
        });
      }),
      { numRuns: 300 },
    );
  });

  test('nothing but runs of slots passes the check', () => {
    fc.assert(
      fc.property(
        setting,
        fc.integer({ min: 0, max: 287 }),
        fc.integer({ min: 1, max: 60 }),
        (given, fromStep, lengthSteps) => {
          const rules = settingRules(given);
          const date = Temporal.PlainDate.from(given.at.date);
          const midnight = date.toZonedDateTime(given.at.timeZone).epochMilliseconds;
          const startsAt = new Date(midnight + fromStep * 300_000);
          const endsAt = new Date(startsAt.getTime() + lengthSteps * 300_000);
          const near = [-1, 0, 1, 2].flatMap((days) => slotsOfDate(rules, date.add({ days }).toString()));
          let at = startsAt.getTime();
          let slots = 0;
          while (at < endsAt.getTime()) {
            const slot = near.find((candidate) => candidate.startsAt.getTime() === at);
            if (!slot) break;
            at = slot.endsAt.getTime();
            slots++;
          }
          const verdict = checkSlot(rules, startsAt, endsAt, LONG_AGO);
          if (at === endsAt.getTime()) expect(verdict).toEqual({ ok: true, slots });
          else expect(verdict.ok).toBe(false);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
