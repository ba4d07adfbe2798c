import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { auditChainState, auditEntry } from '../contracts/audit.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { chainAudit, linkHash } from './audit-chain.ts';
import { auditInvariants } from './audit-invariants.ts';
import { listAudit } from './read-audit.ts';
import { recordAudit } from './record-audit.ts';
import { verifyAudit } from './verify-audit.ts';

const SERVICE = 'notification';
const logger = createLogger({ service: 'test', level: 'silent' });
const actor = { userId: newId('usr'), role: 'admin' as const, requestId: newId('req') };
let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ connectionString: database.url(SERVICE), schema: SERVICE, applicationName: 'test', logger });
});
beforeEach(() =>
  tamper(
    'truncate audit_log, audit_chain, audit_unchained',
    `insert into audit_chain (seq, audit_id, hash) values (0, null, 'where it begins')`,
  ),
);
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

/** Writes so many entries, and gives their ids. */
async function record(count: number): Promise<string[]> {
  for (let n = 0; n < count; n += 1) {
    const thing = {
      id: newId('whk'),
      object: 'thing',
      name: `thing ${n}`,
      nested: { price: 1.5, of: [n, null, 'é\n"'] },
    };
    const entry = { action: 'update', before: { ...thing, name: 'as it was' }, after: thing, reason: 'for a test' };
    await withTransaction(pool, (tx) => recordAudit(tx, actor, entry));
  }
  const { rows } = await pool.query<{ id: string }>('select id from audit_log order by id');
  return rows.map(({ id }) => id);
}

async function chainAll(): Promise<void> {
  while (await chainAudit(pool)) {
    // Until nothing is left.
  }
}

const verify = async (query: object = {}, options: object = { patienceMs: 60_000 }) =>
  auditChainState.strict().parse(await verifyAudit(pool, SERVICE, query, options));

/** As somebody who owns the tables would do it: the triggers keep honest programs from it, and nobody else. */
async function tamper(...statements: string[]): Promise<void> {
  for (const table of ['audit_log', 'audit_chain']) await pool.query(`alter table ${table} disable trigger user`);
  for (const statement of statements) await pool.query(statement);
  for (const table of ['audit_log', 'audit_chain']) await pool.query(`alter table ${table} enable trigger user`);
}

test('an entry is in the chain after the next round, and each link has the next number', async () => {
  await record(3);
  expect(await verify()).toMatchObject({ status: 'ok', waiting: 3, head: { seq: 0 } });
  const head = await chainAudit(pool);
  expect(head).toMatchObject({ seq: 3 });
  expect(await verify()).toMatchObject({ status: 'ok', waiting: 0, older: 0, head, verified_through: 3, broken: [] });
  const { data } = await listAudit(pool, SERVICE, { limit: 20 });
  expect(data.map((entry) => auditEntry.strict().parse(entry).chain?.seq)).toEqual([3, 2, 1]);
  expect(data[0]!.chain).toEqual(head);
  expect(await chainAudit(pool)).toBeNull();
});

test('more entries than one round takes are chained in the order of their ids, once each', async () => {
  await record(1);
  await pool.query(
    `insert into audit_log (id, actor, role, action, entity_kind, entity_id, after, request_id)
     select 'aud_' || lpad(n::text, 26, '0'), 'a', 'admin', 'update', 'thing', 'x', '{}', 'r' from generate_series(1, 450) n`,
  );
  await chainAll();
  const { rows } = await pool.query<{ links: number; in_order: boolean }>(
    `select count(*)::int as links, bool_and(sorted) as in_order
       from (select audit_id > lag(audit_id) over (order by seq) or seq < 2 or seq % 200 = 1 as sorted from audit_chain where seq > 0) each`,
  );
  expect(rows[0]).toEqual({ links: 451, in_order: true });
  expect(await verify()).toMatchObject({ status: 'ok', verified_through: 451 });
});

test('several processes that chain at the same moment make one chain', async () => {
  await record(5);
  await Promise.all(Array.from({ length: 8 }, () => chainAudit(pool)));
  await chainAll();
  expect(await verify()).toMatchObject({ status: 'ok', head: { seq: 5 }, waiting: 0 });
});

test('an entry of a transaction that was rolled back leaves nothing to chain', async () => {
  const thing = { id: 'x', object: 'thing' };
  const entry = { action: 'create', before: null, after: thing, reason: null };
  const failed = withTransaction(pool, async (tx) => {
    await recordAudit(tx, actor, entry);
    throw new Error('for a test');
  });
  await expect(failed).rejects.toThrow('for a test');
  expect(await chainAudit(pool)).toBeNull();
});

describe('when somebody changes the tables by hand', () => {
  let ids: string[];
  beforeEach(async () => {
    ids = await record(5);
    await chainAll();
  });
  const third = () => `id = '${ids[2]}'`;

  test.each([
    ['a value after the change', `update audit_log set after = after || '{"name":"another"}' where `],
    ['a value before the change', `update audit_log set before = null where `],
    ['who it was', `update audit_log set actor = 'somebody else' where `],
    ['the reason', `update audit_log set reason = null where `],
    ['when it was, by a microsecond', `update audit_log set at = at + interval '1 microsecond' where `],
  ])('%s, the entry is found', async (_, statement) => {
    await tamper(statement + third());
    expect(await verify()).toMatchObject({
      status: 'broken',
      broken: [{ seq: 3, audit_id: ids[2], problem: 'changed' }],
    });
  });

  test('an entry whose own link was computed anew breaks the next one', async () => {
    const before = `(select hash from audit_chain where seq = 2)`;
    await tamper(
      `update audit_log set actor = 'somebody else' where ${third()}`,
      `update audit_chain link set hash = ${linkHash('link.seq', before)} from audit_log log where log.id = link.audit_id and seq = 3`,
    );
    expect((await verify()).broken).toEqual([{ seq: 4, audit_id: ids[3], problem: 'changed' }]);
  });

  test('an entry that is taken away is missed', async () => {
    await tamper(`delete from audit_log where ${third()}`);
    expect((await verify()).broken).toEqual([{ seq: 3, audit_id: ids[2], problem: 'entry_removed' }]);
  });

  test('with its link, too', async () => {
    await tamper(`delete from audit_log where ${third()}`, `delete from audit_chain where seq = 3`);
    expect((await verify()).broken).toEqual([{ seq: 4, audit_id: ids[3], problem: 'link_removed' }]);
  });

  test('with the numbers closed up behind it, too', async () => {
    await tamper(
      `delete from audit_log where ${third()}`,
      `delete from audit_chain where seq = 3`,
      `update audit_chain set seq = 3 where seq = 4`,
      `update audit_chain set seq = 4 where seq = 5`,
    );
    expect((await verify()).broken[0]).toEqual({ seq: 3, audit_id: ids[3], problem: 'changed' });
  });

  test('two entries that change places are found', async () => {
    await tamper(
      `update audit_chain set audit_id = 'aside' where seq = 2`,
      `update audit_chain set audit_id = '${ids[1]}' where seq = 3`,
      `update audit_chain set audit_id = '${ids[2]}' where seq = 2`,
    );
    expect((await verify()).broken.map(({ seq, problem }) => [seq, problem])).toEqual([
      [2, 'changed'],
      [3, 'changed'],
    ]);
  });

  test('an entry that was slipped in past the trigger is found', async () => {
    await tamper(
      `insert into audit_log (id, actor, role, action, entity_kind, entity_id, after, request_id)
       values ('aud_slipped', 'a', 'admin', 'update', 'thing', 'x', '{}', 'r')`,
    );
    expect((await verify()).broken).toEqual([{ seq: null, audit_id: 'aud_slipped', problem: 'unchained' }]);
  });

  test('links that are taken away from the end leave entries without one', async () => {
    await tamper('delete from audit_chain where seq > 3');
    expect((await verify()).broken.map(({ problem }) => problem)).toEqual(['unchained', 'unchained']);
  });

  test('an end that is taken away from both tables is missed by whoever noted it', async () => {
    const { seq, hash } = (await verify()).head!;
    await tamper('delete from audit_chain where seq > 3', `delete from audit_log where id > '${ids[2]}'`);
    expect(await verify()).toMatchObject({ status: 'ok', head: { seq: 3 } });
    expect((await verify({ seq, hash })).broken).toEqual([{ seq, audit_id: null, problem: 'noted_link_gone' }]);
  });

  test('a chain without its beginning is broken', async () => {
    await tamper('delete from audit_chain');
    expect(await verify()).toMatchObject({ status: 'broken', head: null, started_at: null });
  });

  test('the invariant finds what verifying finds, and the tables refuse whoever leaves the triggers on', async () => {
    const [chained, chain] = auditInvariants(SERVICE).map(
      ({ sql }) =>
        () =>
          pool.query(sql),
    );
    expect([(await chained!()).rowCount, (await chain!()).rowCount]).toEqual([0, 0]);
    await tamper(`update audit_log set actor = 'x' where ${third()}`);
    expect((await chain!()).rows).toMatchObject([{ audit_id: ids[2], problem: 'changed' }]);
    await record(1);
    await database.advanceClock(61_000);
    expect((await chained!()).rowCount).toBe(1);
    await expect(pool.query('delete from audit_chain')).rejects.toMatchObject({ code: '23001' });
    await expect(pool.query('update audit_chain set hash = hash')).rejects.toMatchObject({ code: '23001' });
  });

  test('a long chain is verified in parts, each from where the one before ended', async () => {
    await tamper(`update audit_log set actor = 'x' where id = '${ids[4]}'`);
    const parts = { patienceMs: 0, chunk: 2 };
    const first = await verify({}, parts);
    expect(first).toMatchObject({ status: 'incomplete', verified_through: 2 });
    const second = await verify({ after: first.verified_through }, parts);
    expect(second).toMatchObject({ status: 'incomplete', verified_through: 4 });
    const third = await verify({ after: second.verified_through }, parts);
    expect(third).toMatchObject({ status: 'broken', verified_through: 5, broken: [{ seq: 5, problem: 'changed' }] });
  });
});

test('entries from before the chain are taken in as they were found, and counted as older', async () => {
  await record(2);
  await tamper(`update audit_log set at = at - interval '1 day'`);
  await record(1);
  await chainAll();
  expect(await verify()).toMatchObject({ status: 'ok', older: 2, head: { seq: 3 } });
});
