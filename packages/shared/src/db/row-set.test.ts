import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { arrayLiteral, rowSet } from './row-set.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

interface Row {
  readonly name: string | null;
  readonly count: number | null;
  readonly at: Date | null;
  readonly list: string[];
}
const ROWS = rowSet<Row>([
  ['name', 'text', (row) => row.name],
  ['count', 'int4', (row) => row.count],
  ['at', 'timestamptz', (row) => row.at],
  ['list', 'text', (row) => arrayLiteral(row.list)],
]);
const READ = `select name, count, at, list::text[] as list from ${ROWS.from(2)} where $1::int = 1`;

/** PostgreSQL's text knows no NUL and no half of a surrogate pair. */
const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((value) => !value.includes('\0'));
const row = fc.record({
  name: fc.option(text),
  count: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  at: fc.option(fc.date({ min: new Date('1950-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })),
  list: fc.array(fc.oneof(text, fc.constantFrom('', '"', '\\', '{}', ',', 'NULL'))),
});

test('PostgreSQL reads the rows that were written, whatever stands in them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
      const read = await client.query({ name: 'rows', text: READ, values: [1, ...ROWS.values(rows)] });
      expect(read.rows).toEqual(rows);
    }),
    { numRuns: 200 },
  );
});

test('rows that are longer than any before are written whole, and those after them as well', async () => {
  const long = { name: 'é'.repeat(400_000), count: 1, at: null, list: [] };
  for (const rows of [[long, long], [{ ...long, name: 'short' }], []]) {
    const read = await client.query({ name: 'rows', text: READ, values: [1, ...ROWS.values(rows)] });
    expect(read.rows).toEqual(rows);
  }
});

test('what the types cannot hold is refused before it is sent', () => {
  const valid = { name: 'a', count: 1, at: new Date(0), list: [] };
  expect(() => ROWS.values([{ ...valid, count: 1.5 }])).toThrow('1.5 is not an integer');
  expect(() => ROWS.values([{ ...valid, count: 2 ** 31 }])).toThrow('out of range');
  expect(() => ROWS.values([{ ...valid, at: new Date(Number.NaN) }])).toThrow('not a date');
});
