import { expect, test } from '@jest/globals';
import type { Pool } from '@holdfast/shared/db/pool';
import { newId } from '@holdfast/shared/ids';
import type { InventoryVersions } from './inventory-versions.ts';
import { EventAvailabilityReader } from './read-event-availability.ts';

/** A pool event whose version the test sets, and whose claims are read when the test says so. */
function setup() {
  const id = newId('evt');
  const state = { version: 1n, builds: [] as ((outcome: bigint | Error) => void)[] };
  const pool = {
    query: () =>
      new Promise((resolve, reject) => {
        state.builds.push((outcome) => {
          if (outcome instanceof Error) reject(outcome);
          else resolve({ rows: [{ inventory_version: outcome, available: 0, locked: Number(outcome), booked: 0 }] });
        });
      }),
  } as unknown as Pool;
  const versions = {
    read: async () => ({ id, inventory: 'pool', inventory_version: state.version, now: new Date(0) }),
  } as unknown as InventoryVersions;
  const reader = new EventAvailabilityReader({
    pool,
    versions,
    shared: null,
    layouts: { get: () => Promise.reject(new Error('a pool has no hall')) },
  });
  const body = async () => {
    const { version, json } = await (await reader.read(id, 'all'))!.body();
    return { version, locked: (JSON.parse(json.toString()) as { counts: { locked: number } }).counts.locked };
  };
  /** Lets everything run that needs no answer of the database. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { state, body, settle };
}

test('readers of one version share one build, and later ones the cache', async () => {
  const { state, body, settle } = setup();
  const readers = [body(), body(), body()];
  await settle();
  expect(state.builds).toHaveLength(1);
  state.builds[0]!(1n);
  expect(await Promise.all(readers)).toEqual(Array(3).fill({ version: 1n, locked: 1 }));
  expect(await body()).toEqual({ version: 1n, locked: 1 });
  expect(state.builds).toHaveLength(1);
});

test('a build that began before a claim is not shown to whoever came after it', async () => {
  const { state, body, settle } = setup();
  const early = body();
  await settle();
  state.version = 2n;
  const late = body();
  await settle();
  state.builds[0]!(1n);
  expect(await early).toEqual({ version: 1n, locked: 1 });
  await settle();
  state.builds[1]!(2n);
  expect(await late).toEqual({ version: 2n, locked: 2 });
});

test('a build that fails is not remembered', async () => {
  const { state, body, settle } = setup();
  const failing = body();
  await settle();
  state.builds[0]!(new Error('gone'));
  await expect(failing).rejects.toThrow('gone');
  const next = body();
  await settle();
  state.builds[1]!(1n);
  expect(await next).toEqual({ version: 1n, locked: 1 });
});
