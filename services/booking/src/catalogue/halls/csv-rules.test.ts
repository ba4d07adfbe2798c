import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readCsv } from './csv-rules.ts';

const cellsOf = (text: string) => readCsv(text).records.map(({ cells }) => cells);

test.each([
  ['', []],
  ['a,b', [['a', 'b']]],
  ['a,b\n', [['a', 'b']]],
  ['a,b\r\nc,d\r\n', [['a', 'b'], ['c', 'd']]], // prettier-ignore
  ['a,,\n', [['a', '', '']]],
  [' a , b\n\n\nc,d', [['a', 'b'], ['c', 'd']]], // prettier-ignore
  ['"a, b","say ""hi"""\n', [['a, b', 'say "hi"']]],
  ['"a\nb",c\n', [['a\nb', 'c']]],
  ['"a"\r\n"b"', [['a'], ['b']]],
  ['"",x', [['', 'x']]],
])('%j is read', (text, cells) => {
  expect(readCsv(text).errors).toEqual([]);
  expect(cellsOf(text)).toEqual(cells);
});

test.each([
  ['a,"b', 1],
  ['a\nb"c,d\ne', 2],
  ['a\nb\n"c"d,e', 3],
  ['"a\nb"x\nc', 1],
])('the quoting of %j is wrong on line %i', (text, line) => {
  expect(readCsv(text).errors[0]).toMatchObject({ line, code: 'wrong_quoting' });
});

test('reading goes on with the line after a wrong one, and lines are counted through quoted breaks', () => {
  const { records, errors } = readCsv('a\nb"\n"c\nd"\ne\n"f" g\nh');
  expect(errors.map(({ line }) => line)).toEqual([2, 6]);
  expect(records).toEqual([
    { line: 1, cells: ['a'] },
    { line: 3, cells: ['c\nd'] },
    { line: 5, cells: ['e'] },
    { line: 7, cells: ['h'] },
  ]);
});

test('a quote that is not closed hides no line behind it', () => {
  const { records, errors } = readCsv('A,"10\nB,x\nC,"4"4\nD,5\n');
  expect(errors.map(({ line }) => line)).toEqual([1, 3]);
  expect(records.map(({ line }) => line)).toEqual([2, 4]);
});

test('whatever is written with quotes is read back', () => {
  const table = fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), (rows, newline) => {
      const text = rows.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join(newline);
      expect(readCsv(text).errors).toEqual([]);
      expect(cellsOf(text)).toEqual(rows);
    }),
  );
});

test('any text is read to its end', () => {
  const text = fc.array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (given) => {
      const { records, errors } = readCsv(given);
      const lines = given.split('\n').length;
      for (const { line } of [...records, ...errors]) expect(line >= 1 && line <= lines).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
