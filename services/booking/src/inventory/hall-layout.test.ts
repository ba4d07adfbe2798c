import { expect, test } from '@jest/globals';
import { buildHallLayout, createHallLayouts } from './hall-layout.ts';

const ROWS = [
  { row: 'A', seats: 3, category: 'premium', accessible: [1] },
  { row: 'B', seats: 2, category: 'standard', accessible: [] },
];

test('seats are numbered from 1 and labelled by row, in the order of the hall', () => {
  const layout = buildHallLayout(ROWS);
  expect(layout.seats.map((seat) => seat.label)).toEqual(['A-1', 'A-2', 'A-3', 'B-1', 'B-2']);
  expect(layout.rows.map((row) => row.length)).toEqual([3, 2]);
  expect(layout.byLabel.get('A-1')).toEqual({
    label: 'A-1',
    row: 'A',
    rowIndex: 0,
    number: 1,
    category: 'premium',
    accessible: true,
  });
  expect(layout.byLabel.get('B-2')).toMatchObject({ rowIndex: 1, category: 'standard', accessible: false });
  expect(layout.byLabel.has('B-3')).toBe(false);
});

test('a version of a hall is loaded once, another version anew', async () => {
  const loaded: string[] = [];
  const layouts = createHallLayouts(async (db: string, hallId, version) => {
    loaded.push(`${db} ${hallId} ${version}`);
    return ROWS.slice(0, version);
  });
  expect((await layouts.get('one', 'hal_x', 1)).seats).toHaveLength(3);
  expect(await layouts.get('two', 'hal_x', 1)).toBe(await layouts.get('three', 'hal_x', 1));
  expect((await layouts.get('four', 'hal_x', 2)).seats).toHaveLength(5);
  expect(loaded).toEqual(['one hal_x 1', 'four hal_x 2']);
});
