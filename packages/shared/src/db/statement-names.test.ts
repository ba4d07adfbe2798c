import { expect, test } from '@jest/globals';
import { statementName } from './statement-names.ts';

test('a text keeps its name, another text has another, and text that somebody builds is not prepared for ever', () => {
  expect(statementName('select 1')).toBe(statementName('select 1'));
  expect(statementName('select 2')).not.toBe(statementName('select 1'));
  for (let i = 0; i < 600; i++) statementName(`select ${i} as built`);
  expect(statementName('select 9999 as built')).toBeUndefined();
  expect(statementName('select 1')).toBeDefined();
});
