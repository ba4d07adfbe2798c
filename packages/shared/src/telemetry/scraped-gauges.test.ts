import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { scrapedGauges, type Sample } from './scraped-gauges.ts';

/** Two gauges of one group, whose state `world` is. */
function setup() {
  const registry = new Registry();
  const world = { letters: new Map([['a', 1]]), isAway: false, reads: 0 };
  const labels = ['consumer'];
  scrapedGauges({
    registry,
    group: 'letters',
    gauges: { letters_open: { help: 'by consumer', labels }, letters_total: { help: 'all' } },
    read: () => {
      world.reads++;
      if (world.isAway) return Promise.reject(new Error('away'));
      const each = [...world.letters].map(([consumer, value]): Sample => ({ labels: { consumer }, value }));
      return Promise.resolve({ letters_open: each, letters_total: [{ value: world.letters.size }] });
    },
  });
  const shown = async () =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !/^#|read_timestamp/.test(line));
  const readAt = async () =>
    Number(/read_timestamp_seconds\{group="letters"\} (\S+)/.exec(await registry.metrics())![1]);
  return { world, shown, readAt };
}

test('gauges of a group are read together, and once for all who ask at the same moment', async () => {
  const { world, shown } = setup();
  const both = await Promise.all([shown(), shown()]);
  expect(both).toEqual([0, 1].map(() => ['letters_open{consumer="a"} 1', 'letters_total 1']));
  expect(world.reads).toBe(1);
});

test('the first answer says already when it was read', async () => {
  const { readAt } = setup();
  expect(await readAt()).toBeGreaterThan(0);
});

test('what cannot be read is shown as never read, and the other metrics are readable', async () => {
  const { world, shown, readAt } = setup();
  world.isAway = true;
  expect(await shown()).toEqual(['letters_total 0']);
  expect(await readAt()).toBe(0);
});
