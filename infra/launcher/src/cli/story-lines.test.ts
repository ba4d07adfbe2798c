import { expect, test } from '@jest/globals';
import type { TimelineEntry } from '@holdfast/shared/contracts/timeline';
import { storyLines } from './story-lines.ts';

const entry = (at: string, summary: string, data: object, cause: string | null = null): TimelineEntry => ({
  ...{ at: `2027-01-04T18:${at}Z`, source: 'booking', type: 'x', summary, cause },
  data: { ...data },
});

test('each line has its number, the time since the first, and the number of its cause', () => {
  expect(
    storyLines([
      entry('00:00.000000', 'request', { id: 'req_1' }),
      entry('00:00.001500', 'HELD', {}, 'req_1'),
      entry('01:30.000000', 'callback stored', { event_id: 'evt_1' }, 'req_of_another'),
      entry('01:30.000100', 'callback applied', { event_id: 'evt_1' }, 'evt_1'),
    ]),
  ).toEqual([
    '  1     0.0 ms  booking       request',
    '  2     1.5 ms  booking       HELD  ← 1',
    '  3    1.5 min  booking       callback stored  ← req_of_another',
    '  4    1.5 min  booking       callback applied  ← 3',
  ]);
  expect(storyLines([])).toEqual([]);
});
