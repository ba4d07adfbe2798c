import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bestAdjacentSeats } from './best-adjacent.ts';
import { buildHallLayout, type HallLayout, type HallRow } from './hall-layout.ts';

function hall(...rows: Partial<HallRow>[]): HallLayout {
  return buildHallLayout(
    rows.map((row, index) => ({
      row: String.fromCharCode(65 + index),
      seats: 10,
      category: 'standard',
      accessible: [],
      ...row,
    })),
  );
}

function best(layout: HallLayout, taken: string[], quantity: number, category: string | null = null): string[] | null {
  const seats = bestAdjacentSeats(layout, (label) => taken.includes(label), quantity, category);
  return seats && seats.map((seat) => seat.label);
}

describe('in an empty hall', () => {
  test('the front row and the middle come first', () => {
    expect(best(hall({}, {}), [], 2)).toEqual(['A-5', 'A-6']);
    expect(best(hall({ seats: 9 }), [], 3)).toEqual(['A-4', 'A-5', 'A-6']);
  });

  test('a category narrows the choice to its rows', () => {
    expect(best(hall({ category: 'premium' }, {}), [], 2, 'standard')).toEqual(['B-5', 'B-6']);
    expect(best(hall({ category: 'premium' }), [], 2, 'standard')).toBeNull();
  });

  test('more seats than any row has are not found', () => {
    expect(best(hall({}, {}), [], 11)).toBeNull();
    expect(best(hall({}, { seats: 12 }), [], 11)).not.toBeNull();
  });
});

describe('when seats are taken', () => {
  test('a group does not sit around a taken seat', () => {
    expect(best(hall({ seats: 5 }, { seats: 4 }), ['A-3'], 3)).toEqual(['B-1', 'B-2', 'B-3']);
  });

  test('no single seat is left behind where that can be avoided', () => {
    // are nearest to the middle of the free ones, but would leave alone.
    expect(best(hall({ seats: 6 }), ['A-1'], 3)).toEqual(['A-2', 'A-3', 'A-4']);
  });

  test('a seat that is alone already goes to who comes alone', () => {
    expect(best(hall({ seats: 5 }), ['A-1', 'A-3'], 1)).toEqual(['A-2']);
  });

  test('where a single seat cannot be avoided the group is still seated', () => {
    expect(best(hall({ seats: 3 }), [], 2)).not.toBeNull();
  });
});

describe('with accessible seats', () => {
  test('they are left alone while others are free, even further back', () => {
    expect(best(hall({ seats: 4, accessible: [2, 3] }, { seats: 4 }), [], 2)).toEqual(['B-1', 'B-2']);
  });

  test('they are given when nothing else fits', () => {
    expect(best(hall({ seats: 4, accessible: [2, 3] }), [], 4)).toEqual(['A-1', 'A-2', 'A-3', 'A-4']);
  });
});

describe('in any hall', () => {
  const anyHall = fc
    .array(
      fc.record({
        seats: fc.integer({ min: 1, max: 12 }),
        category: fc.constantFrom('standard', 'premium'),
        accessible: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map((rows) => hall(...rows.map((row) => ({ ...row, accessible: row.accessible.filter((n) => n <= row.seats) }))));
  const search = fc.record({
    layout: anyHall,
    seed: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    density: fc.constantFrom(0, 1, 2),
    quantity: fc.integer({ min: 1, max: 6 }),
    category: fc.constantFrom(null, 'standard', 'premium', 'balcony'),
  });

  /** Every window of seats that would do, found the slow way. */
  function candidates(layout: HallLayout, taken: Set<string>, quantity: number, category: string | null): string[][] {
    const found: string[][] = [];
    for (const seat of layout.seats) {
      const labels = Array.from({ length: quantity }, (_, index) => `${seat.row}-${seat.number + index}`);
      const fits = labels.every((label) => {
        const other = layout.byLabel.get(label);
        return other && !taken.has(label) && other.category === (category ?? seat.category);
      });
      if (fits) found.push(labels);
    }
    return found;
  }

  function countOf(layout: HallLayout, taken: Set<string>, labels: string[]) {
    const after = new Set([...taken, ...labels]);
    const free = (row: string, number: number, occupied: Set<string>) =>
      layout.byLabel.has(`${row}-${number}`) && !occupied.has(`${row}-${number}`);
    const alone = (occupied: Set<string>) =>
      layout.seats
        .filter(
          ({ row, number }) =>
            free(row, number, occupied) && !free(row, number - 1, occupied) && !free(row, number + 1, occupied),
        )
        .map((seat) => seat.label);
    const before = new Set(alone(taken));
    return {
      accessible: labels.filter((label) => layout.byLabel.get(label)!.accessible).length,
      orphans: alone(after).filter((label) => !before.has(label)).length,
    };
  }

  test('the result is adjacent, free, of one category and of the right size; null only if a search of all finds none', () => {
    fc.assert(
      fc.property(search, ({ layout, seed, density, quantity, category }) => {
        const taken = new Set(
          layout.seats.filter((_, i) => seed[i % 60] && i % (3 - density) === 0).map((seat) => seat.label),
        );
        const all = candidates(layout, taken, quantity, category);
        const result = bestAdjacentSeats(layout, (label) => taken.has(label), quantity, category);
        if (result === null) {
          expect(all).toEqual([]);
          return;
        }
        const labels = result.map((seat) => seat.label);
        expect(all).toContainEqual(labels);

        // And no other is better in accessible seats spared, then in orphans avoided, then in nearness to the front.
        const chosen = countOf(layout, taken, labels);
        for (const other of all) {
          const count = countOf(layout, taken, other);
          const key = (c: typeof count, first: string) =>
            c.accessible * 1e6 + c.orphans * 1e3 + layout.byLabel.get(first)!.rowIndex;
          expect(key(chosen, labels[0]!)).toBeLessThanOrEqual(key(count, other[0]!));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
