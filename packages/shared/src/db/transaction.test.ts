import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Pool } from './pool.ts';
import { withTransaction, type Tx } from './transaction.ts';

/** A pool of one client that fails at `failing` with `error`, and keeps what it was asked. */
function setup(failing: string, error: Error) {
  const asked: string[] = [];
  const released: unknown[] = [];
  const client = {
    query: (statement: string | pg.QueryConfig) => {
      const text = typeof statement === 'string' ? statement : statement.text;
      asked.push(text);
      return text === failing ? Promise.reject(error) : Promise.resolve({ rows: [] });
    },
    release: (broken: unknown) => released.push(broken),
  };
  const pool = { connect: () => Promise.resolve(client) } as unknown as Pool;
  const run = (work: (tx: Tx) => Promise<unknown> = (tx) => tx.query('update x')) => withTransaction(pool, work);
  return { asked, released, run };
}

const timeout = new Error('Query read timeout');

describe.each(['begin', 'update x', 'commit'])('when the connection fails at %s', (failing) => {
  test('it is closed at once and never used again', async () => {
    const { asked, released, run } = setup(failing, timeout);
    await expect(run()).rejects.toBe(timeout);
    expect(asked).not.toContain('rollback');
    expect(released).toEqual([timeout]);
  });
});

test('when the server refuses a statement the transaction is rolled back and the connection kept', async () => {
  const refusal = new pg.DatabaseError('duplicate key', 1, 'error');
  const { asked, released, run } = setup('update x', refusal);
  await expect(run()).rejects.toBe(refusal);
  expect(asked).toEqual(['begin', 'update x', 'rollback']);
  expect(released).toEqual([undefined]);
});

test('when even the rollback fails the first error is told and the connection closed', async () => {
  const { released, run } = setup('rollback', timeout);
  const bug = new Error('bug');
  await expect(run(() => Promise.reject(bug))).rejects.toBe(bug);
  expect(released).toEqual([timeout]);
});
