import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildHallLayout } from '../inventory/hall-layout.ts';
import { groupsInstead, nearestGroups } from './nearest-groups-rules.ts';

const row = (label: string, seats: number, category = 'standard', accessible: number[] = []) => ({
  row: label,
  seats,
  category,
  accessible,
});
const takenOf =
  (...labels: string[]) =>
  (label: string) =>
    labels.includes(label);

describe('the nearest groups', () => {
  test('are those of the same row first, then of the rows beside it, each as large as what was asked for', () => {
    const layout = buildHallLayout([row('A', 6), row('B', 6), row('C', 6)]);
    expect(nearestGroups(layout, takenOf('B-3', 'B-4'), ['B-3', 'B-4'], 5)).toEqual([
      ['B-1', 'B-2'],
      ['B-5', 'B-6'],
      ['A-3', 'A-4'],
      ['C-3', 'C-4'],
      ['A-1', 'A-2'],
    ]);
  });

  test('are of the same category before others in a row, and never mixed', () => {
    const layout = buildHallLayout([row('A', 3), row('B', 3, 'premium')]);
    expect(nearestGroups(layout, takenOf('A-1'), ['A-1'], 5)).toEqual([['A-2'], ['A-3'], ['B-1'], ['B-2'], ['B-3']]);
  });

  test('leave accessible seats alone unless one was asked for', () => {
    const layout = buildHallLayout([row('A', 4, 'standard', [2, 3])]);
    expect(nearestGroups(layout, takenOf('A-1'), ['A-1'], 5)).toEqual([['A-4']]);
    expect(nearestGroups(layout, takenOf('A-2'), ['A-2'], 5)).toEqual([['A-1'], ['A-3'], ['A-4']]);
  });

  test('are none when nothing is free', () => {
    const layout = buildHallLayout([row('A', 2)]);
    expect(nearestGroups(layout, () => true, ['A-1'], 5)).toEqual([]);
  });

  test('are always free, adjacent, of one category, of the right size, and share no seat', () => {
    const hall = fc.array(fc.record({ seats: fc.integer({ min: 1, max: 12 }), category: fc.constantFrom('a', 'b') }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(hall, fc.nat(), fc.integer({ min: 1, max: 4 }), fc.nat(), (rows, at, size, seed) => {
        const layout = buildHallLayout(rows.map(({ seats, category }, n) => row(`R${n}`, seats, category, [1])));
        const start = at % layout.seats.length;
        const wanted = layout.seats.slice(start, start + size).map((seat) => seat.label);
        const isTaken = (label: string) =>
          label === wanted[0] || (label.length * 7 + Number(label.at(-1)) + seed) % 3 === 0;
        const groups = nearestGroups(layout, isTaken, wanted, 5);
        expect(groups.length).toBeLessThanOrEqual(5);
        expect(new Set(groups.flat()).size).toBe(groups.flat().length);
        for (const labels of groups) {
          const seats = labels.map((label) => layout.byLabel.get(label)!);
          expect(labels).toHaveLength(wanted.length);
          expect(labels.some(isTaken)).toBe(false);
          expect(new Set(seats.map((seat) => `${seat.row} ${seat.category}`)).size).toBe(1);
          expect(seats.map((seat) => seat.number)).toEqual(seats.map((_, n) => seats[0]!.number + n));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('groups instead of a quantity', () => {
  const layout = buildHallLayout([row('A', 4, 'premium'), row('B', 4), row('C', 3, 'balcony')]);

  test('are as many of other categories, and the largest smaller one of the same', () => {
    const found = groupsInstead(
      layout,
      takenOf('B-3'),
      { quantity: 3, category: 'standard' },
      ['premium', 'standard', 'balcony'],
      5,
    );
    expect(found.map((seats) => [seats[0]![0], seats.length])).toEqual([
      ['A', 3],
      ['C', 3],
      ['B', 2],
    ]);
  });

  test('without a category are the largest group that is left', () => {
    expect(groupsInstead(layout, takenOf('A-2', 'B-2'), { quantity: 4, category: null }, ['premium'], 5)).toEqual([
      ['C-1', 'C-2', 'C-3'],
    ]);
  });

  test('are none when nothing is free, or when one was asked for', () => {
    expect(groupsInstead(layout, () => true, { quantity: 2, category: null }, ['premium'], 5)).toEqual([]);
    expect(groupsInstead(layout, () => true, { quantity: 1, category: 'premium' }, ['premium'], 5)).toEqual([]);
  });
});
