import { describe, expect, test } from '@jest/globals';
import { brokenLinks, brokenPaths, PAGES, unknownCommands } from './pages.ts';

describe.each(PAGES)('%s', (page) => {
  test('links to files and headings that are there', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test('names files, and functions in them, that are there', () => {
    expect(brokenPaths(page)).toEqual([]);
  });

  test('names commands that package.json has', () => {
    expect(unknownCommands(page)).toEqual([]);
  });
});
