import { describe, expect, test } from '@jest/globals';
import { checkSource } from './source-rules.ts';

const PATH = 'services/booking/src/bookings/booking-store.ts';

function findings(source: string, path = PATH): string[] {
  return checkSource(path, source);
}

describe("the server's own time", () => {
  test.each(['now()', 'NOW ( )', 'clock_timestamp()', 'current_timestamp', 'localtimestamp', 'current_date'])(
    '%s is found in a string, a template and a .sql file',
    (expression) => {
      expect(findings(`const a: string = 'select 1 where x < ${expression}';`)).toHaveLength(1);
      expect(findings(`f(1,\n  \`update t set at = ${expression}, n = \${n as number}\`);`)).toEqual([
        expect.stringMatching(/^services\/booking\/src\/bookings\/booking-store\.ts:2: .* clock\.app_now\(\)$/),
      ]);
      expect(
        findings(`create table t (\n  at timestamptz default ${expression}\n);`, 'services/x/migrations/1.sql'),
      ).toEqual([expect.stringMatching(/^services\/x\/migrations\/1\.sql:2: /)]);
    },
  );

  test('business time, JavaScript and comments are left alone', () => {
    expect(
      findings('const a = `select clock.app_now() -- not now()\n`; // now()\nconst b = clock.now() / Date.now();'),
    ).toEqual([]);
    expect(
      findings('select clock.app_now(); -- never now()\n/* nor current_date */', 'packages/shared/migrations/1.sql'),
    ).toEqual([]);
  });

  test('is allowed where business time is defined', () => {
    expect(findings('const a = `select now()`;', 'packages/shared/src/db/bootstrap.ts')).toEqual([]);
  });
});

describe('select *', () => {
  test.each(['select * from bookings', 'SELECT b.*\n  FROM bookings b', 'insert into t (a) values (1) returning *'])(
    '%j is found',
    (sql) => {
      expect(findings(`const a = \`${sql}\`;`)).toEqual([expect.stringContaining('list the columns')]);
    },
  );

  test.each([
    'select count(*) from bookings',
    'select * from unnest($1::text[]) as row (id)',
    'with gone as (delete from t returning id) select * from gone',
    'with gone as (delete from t returning ${COLUMNS}) select * from gone',
    'with e as (insert into t (a) values (1) returning *\n) select e.id from e',
    'with gone as materialized (select id from t) select * from gone',
  ])('%j is not', (sql) => {
    expect(findings(`const a = \`${sql}\`;`)).toEqual([]);
  });
});

describe('tests', () => {
  test('none is only announced', () => {
    expect(findings("test.todo('later');", 'services/x/src/a.test.ts')).toEqual([
      'services/x/src/a.test.ts:1: a test to be written is written, not announced (.todo)',
    ]);
    expect(findings("list.todo('later');", 'services/x/src/a.test.ts')).toEqual([]);
  });
});

test('a file that cannot be parsed is a finding', () => {
  expect(findings('const = ;')).toEqual([expect.stringMatching(/:1: cannot be parsed: /)]);
});
