import { expect, test } from '@jest/globals';
import { RecentPictures } from './recent-pictures.ts';

function setup(maxRunning = 2) {
  let now = 0;
  const drawn: (string | null)[] = [];
  const pending: (() => void)[] = [];
  const pictures = new RecentPictures<string>({ freshMs: 100, usableMs: 1_000, maxRunning, clock: () => now });
  return {
    drawn,
    pass: (ms: number) => (now += ms),
    get: (key: string, wait: boolean) =>
      pictures.get(key, wait, async (last) => {
        drawn.push(last);
        await new Promise<void>((resolve) => pending.push(resolve));
        return `picture ${drawn.length}`;
      }),
    finish: () => pending.splice(0).forEach((resolve) => resolve()),
  };
}

test('however many ask at once, one picture is drawn', async () => {
  const { get, finish, drawn } = setup();
  const all = Array.from({ length: 1_000 }, () => get('a', true));
  finish();
  expect(new Set(await Promise.all(all))).toEqual(new Set(['picture 1']));
  expect(drawn).toEqual([null]);
});

test('it is drawn anew, from the last one, when it is no longer fresh', async () => {
  const { get, finish, drawn, pass } = setup();
  const first = get('a', true);
  finish();
  await first;
  pass(100);
  expect(await get('a', true)).toBe('picture 1');
  pass(1);
  const second = get('a', true);
  finish();
  expect(await second).toBe('picture 2');
  expect(drawn).toEqual([null, 'picture 1']);
});

test('who does not wait gets what is usable, and a new one is begun', async () => {
  const { get, finish, pass } = setup();
  expect(await get('a', false)).toBeNull();
  const waiting = get('a', true);
  finish();
  await waiting;
  pass(500);
  expect(await get('a', false)).toBe('picture 1');
  const second = get('a', true);
  finish();
  expect(await second).toBe('picture 2');
  pass(1_001);
  expect(await get('a', false)).toBeNull();
});

test('few are drawn at a time; the others get nothing rather than wait', async () => {
  const { get, finish, drawn } = setup(2);
  const running = [get('a', true), get('b', true)];
  expect(await get('c', true)).toBeNull();
  finish();
  await Promise.all(running);
  expect(drawn).toHaveLength(2);
});

test('a failure is told to those who wait, and is not kept', async () => {
  const pictures = new RecentPictures<string>({ freshMs: 100, usableMs: 1_000, maxRunning: 1 });
  const failing = () => Promise.reject(new Error('no database'));
  expect(await pictures.get('a', false, failing)).toBeNull();
  await expect(pictures.get('a', true, failing)).rejects.toThrow('no database');
  expect(await pictures.get('a', true, () => Promise.resolve('x'))).toBe('x');
});
