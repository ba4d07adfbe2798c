import { expect, test } from '@jest/globals';
import { commonWord, randomNumbers, wordOf, WORDS } from './search-catalogue.ts';

test('words are all different', () => {
  const words = Array.from({ length: WORDS }, (_, n) => wordOf(n));
  expect(new Set(words).size).toBe(WORDS);
  expect(words.every((word) => /^[a-z]{5,}$/.test(word))).toBe(true);
});

test('few are common, and most are rare', () => {
  const random = randomNumbers(1);
  const counts = new Map<string, number>();
  for (let n = 0; n < 10_000; n++) {
    const word = commonWord(random(), WORDS);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const [most = 0] = [...counts.values()].toSorted((a, b) => b - a);
  expect(most).toBeGreaterThan(500);
  expect(counts.size).toBeGreaterThan(1_000);
});
