import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { afterAll, beforeEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { checkSchema } from './migrations.ts';

const UP = `create table t (id int primary key, name text not null default 'x');
  create index t_name on t (name);
  create table migrations (id serial primary key)`;
const DOWN = 'drop table t';

describe('migrations up, down and up', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
  });
  beforeEach(async () => {
    await client.query('drop schema identity cascade; create schema identity; set search_path = identity');
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** Runs these statements instead of a service's migrations; the second "up" in a row does nothing. */
  function check(
    up: string,
    down: string,
    upAgain = up.replace('create table migrations', 'create table if not exists migrations'),
  ) {
    let version = 0;
    let ups = 0;
    return checkSchema(database.adminUrl, 'identity', async (_service, direction) => {
      const wanted = direction === 'up' ? 1 : 0;
      if (version === wanted) return [];
      version = wanted;
      await client.query(direction === 'down' ? down : ups++ === 0 ? up : upAgain);
      return ['0001'];
    });
  }

  test('finds nothing when "down" undoes all of "up"; the bookkeeping may stay', async () => {
    expect(await check(UP, DOWN)).toEqual([]);
  });

  test('names what "down" leaves behind', async () => {
    const up = `${UP}; create type mood as enum ('good'); create function f() returns int language sql as 'select 1'`;
    const again =
      'create table t (id int primary key, name text not null default $$x$$); create index t_name on t (name)';
    const findings = await check(up, DOWN, again);
    expect(findings).toEqual([
      expect.stringMatching(/^identity: left after "down": function CREATE OR REPLACE FUNCTION identity\.f/),
      'identity: left after "down": type mood of kind e: good',
    ]);
  });

  test('names what the second "up" makes different', async () => {
    const again = 'create table t (id bigint primary key, name text); create index t_name on t (name)';
    const findings = await check(UP, DOWN, again);
    expect(findings).toContain('identity: differs after "up" again: - column t.id integer not null');
    expect(findings).toContain('identity: differs after "up" again: + column t.id bigint not null');
  });

  test('names the direction that failed, and a schema without migrations', async () => {
    expect(await check(UP, 'drop table nowhere')).toEqual(['identity: "down" failed: table "nowhere" does not exist']);
    expect(await checkSchema(database.adminUrl, 'identity', async () => [])).toContain('identity: has no migrations');
  });

  test('finds migrations that run twice', async () => {
    const findings = await checkSchema(database.adminUrl, 'identity', async () => ['0001']);
    expect(findings).toEqual(['identity: 0001 ran a second time']);
  });
});
