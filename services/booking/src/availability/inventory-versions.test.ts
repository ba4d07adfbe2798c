import { expect, test } from '@jest/globals';
import type { Pool } from '@holdfast/shared/db/pool';
import { newId, type EventId } from '@holdfast/shared/ids';
import { InventoryVersions } from './inventory-versions.ts';

/** A pool whose statements wait until the test answers them. */
function setup() {
  const statements: { ids: EventId[]; answer: (version: bigint) => void; fail: (error: Error) => void }[] = [];
  const pool = {
    query: ({ values }: { values: [EventId[]] }) =>
      new Promise((resolve, reject) => {
        const [ids] = values;
        const answer = (version: bigint) => resolve({ rows: ids.map((id) => ({ id, inventory_version: version })) });
        statements.push({ ids, answer, fail: reject });
      }),
  } as unknown as Pool;
  return { statements, versions: new InventoryVersions(pool) };
}

const [A, B] = [newId('evt'), newId('evt')];

test('who comes alone does not wait, who comes later never joins a statement that was sent before', async () => {
  const { statements, versions } = setup();
  const first = versions.read(A);
  expect(statements.map((statement) => statement.ids)).toEqual([[A]]);
  const later = [versions.read(A), versions.read(B), versions.read(A)];
  statements[0]!.answer(1n);
  expect((await first)?.inventory_version).toBe(1n);
  expect(statements[1]!.ids).toEqual([A, B]);
  statements[1]!.answer(2n);
  expect((await Promise.all(later)).map((row) => row?.inventory_version)).toEqual([2n, 2n, 2n]);
  expect(statements).toHaveLength(2);
});

test('when the database fails all who wait learn it at once, and the next reader asks again', async () => {
  const { statements, versions } = setup();
  const reads = [versions.read(A), versions.read(B)];
  statements[0]!.fail(new Error('gone'));
  expect((await Promise.allSettled(reads)).map((result) => result.status)).toEqual(['rejected', 'rejected']);
  const next = versions.read(A);
  statements[1]!.answer(3n);
  expect((await next)?.inventory_version).toBe(3n);
});
