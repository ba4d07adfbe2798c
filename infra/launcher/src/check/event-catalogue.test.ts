import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  CATALOGUE,
  checkEventCatalogue,
  currentCatalogue,
  RELEASED_CATALOGUE,
  toText,
  withoutEvents,
} from './event-catalogue.ts';
import { ROOT } from '../data-dir.ts';

let tree: string;
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'catalogue-'));
  mkdirSync(join(tree, 'docs'));
  writeFileSync(join(tree, 'package.json'), JSON.stringify({ version: '0.1.0' }));
  writeFileSync(join(tree, CATALOGUE), toText(currentCatalogue(tree)));
  writeFileSync(join(tree, RELEASED_CATALOGUE), toText(currentCatalogue(tree)));
});
afterEach(() => rmSync(tree, { recursive: true }));

describe('the check of the event catalogue', () => {
  test('finds nothing in this checkout', () => {
    expect(checkEventCatalogue(ROOT)).toEqual([]);
  });

  test('finds a file that is old or not there', () => {
    writeFileSync(join(tree, CATALOGUE), toText(currentCatalogue(tree)).replace('"held"', '"taken"'));
    expect(checkEventCatalogue(tree)).toEqual([expect.stringContaining('npm run event-catalogue')]);
    rmSync(join(tree, CATALOGUE));
    expect(checkEventCatalogue(tree)).toEqual([expect.stringContaining('npm run event-catalogue')]);
  });

  test('finds an event that the last release had, unless it was dropped', () => {
    const current = currentCatalogue(tree);
    const released = structuredClone(current) as { components: { messages: Record<string, unknown> } };
    const type = 'holdfast.hold.given_back.v1';
    released.components.messages[type] = current.components.messages['holdfast.hold.held.v1'];
    writeFileSync(join(tree, RELEASED_CATALOGUE), toText(released as typeof current));
    expect(checkEventCatalogue(tree)).toEqual([expect.stringContaining(`${type} is gone`)]);
    writeFileSync(join(tree, RELEASED_CATALOGUE), toText(withoutEvents(released as typeof current, new Set([type]))));
    expect(checkEventCatalogue(tree)).toEqual([]);
  });

  test('fails without the file of the last release', () => {
    rmSync(join(tree, RELEASED_CATALOGUE));
    expect(() => checkEventCatalogue(tree)).toThrow(/ENOENT/);
  });
});
