import { expect, test } from '@jest/globals';
import { RESOURCES, slotOf } from './slots.ts';

test('no two holds of slots want the same time of one court, and all are of ten minutes on the grid', () => {
  const first = Date.UTC(2027, 0, 4);
  const wanted = new Set<string>();
  for (let n = 0; n < 200_000; n++) {
    const { court, startsAt, endsAt } = slotOf(n, first);
    wanted.add(`${court} ${startsAt}`);
    if (n % 1_000 === 0) {
      expect(Date.parse(endsAt) - Date.parse(startsAt)).toBe(600_000);
      expect((Date.parse(startsAt) - first) % 600_000).toBe(0);
      expect(court).toBeLessThan(RESOURCES);
    }
  }
  expect(wanted.size).toBe(200_000);
  expect(() => slotOf(RESOURCES * 180 * 144, first)).toThrow(RangeError);
});
