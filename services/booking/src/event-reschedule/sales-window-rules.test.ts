import { expect, test } from '@jest/globals';
import { salesWindowMoved } from './sales-window-rules.ts';

const at = (day: number) => new Date(Date.UTC(2030, 0, day));
const DAY = 86_400_000;
const nothing = { opensAt: undefined, closesAt: undefined };

test('the close keeps its distance to the start, the opening stays', () => {
  const before = { opensAt: at(1), closesAt: at(10) };
  expect(salesWindowMoved(before, nothing, 7 * DAY)).toEqual({ opensAt: at(1), closesAt: at(17) });
  expect(salesWindowMoved(before, nothing, -3 * DAY)).toEqual({ opensAt: at(1), closesAt: at(7) });
});

test('a side that is open stays open, what is given stands, and null opens a side', () => {
  expect(salesWindowMoved({ opensAt: null, closesAt: null }, nothing, DAY)).toEqual({ opensAt: null, closesAt: null });
  const before = { opensAt: at(1), closesAt: at(10) };
  expect(salesWindowMoved(before, { opensAt: at(3), closesAt: at(4) }, DAY)).toEqual({
    opensAt: at(3),
    closesAt: at(4),
  });
  expect(salesWindowMoved(before, { opensAt: null, closesAt: null }, DAY)).toEqual({ opensAt: null, closesAt: null });
});
