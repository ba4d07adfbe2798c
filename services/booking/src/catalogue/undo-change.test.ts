import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AuditEntryJson } from '@holdfast/shared/contracts/audit';
import { newId } from '@holdfast/shared/ids';
import { setupCatalogue, type CatalogueFixture, type CatalogueKindName } from '../testing/catalogue-fixture.ts';

let catalogue: CatalogueFixture;
beforeAll(async () => {
  catalogue = await setupCatalogue();
});
afterAll(() => catalogue.stop());

/** Entries about an object, newest first. */
async function entriesOf(id: string): Promise<AuditEntryJson[]> {
  const { body } = await catalogue.get(`/internal/audit?entity=${id}`, { as: 'operator' });
  return body.data as unknown as AuditEntryJson[];
}
const undo = (entry: { id: string }, body: object = {}, as: 'admin' | 'operator' = 'admin') =>
  catalogue.post(`/internal/audit/${entry.id}/restore`, body, { as });

describe.each<CatalogueKindName>(['venues', 'resources', 'halls', 'events'])(
  'a change of one of the %s',
  (collection) => {
    test('is taken back by a new change, which is in the log itself', async () => {
      const id = await catalogue.create(collection);
      const path = `/v1/${collection}/${id}`;
      const { name } = (await catalogue.get(path)).body;
      await catalogue.patch(path, 1, { name: 'A slip of the hand' });
      const [slip] = await entriesOf(id);

      const reply = await undo(slip!, { reason: 'the name was wrong' });
      expect(reply).toMatchObject({ status: 200, body: { id, name, version: 3 } });
      expect(reply.headers.get('etag')).toBe('"3"');
      expect((await catalogue.get(path)).body).toEqual(reply.body);
      const [undone, ...before] = await entriesOf(id);
      expect(undone).toMatchObject({
        ...{ action: 'undo', reason: `undoes ${slip!.id}: the name was wrong` },
        ...{ before: { name: 'A slip of the hand', version: 2 }, after: { name, version: 3 } },
      });
      expect(before).toHaveLength(2);

      // Again: there is nothing left to change.
      expect(await undo(slip!)).toMatchObject({ status: 200, body: { version: 3 } });
      expect(await entriesOf(id)).toHaveLength(3);
      // And what was taken back is taken back.
      expect((await undo(undone!)).body).toMatchObject({ name: 'A slip of the hand', version: 4 });
    });

    test('that archived it is taken back, and so is that', async () => {
      const id = await catalogue.create(collection);
      const path = `/v1/${collection}/${id}`;
      await catalogue.delete(path, 1);
      expect(await undo((await entriesOf(id))[0]!)).toMatchObject({ status: 200, body: { archived_at: null } });
      const [restored] = await entriesOf(id);
      expect(restored).toMatchObject({ action: 'restore' });
      const again = await undo(restored!);
      expect([again.status, again.body.archived_at === null]).toEqual([200, false]);
    });
  },
);

test('changes that came after it and are about other fields go as well: the object is as it was', async () => {
  const id = await catalogue.venue({ name: 'First' });
  await catalogue.patch(`/v1/venues/${id}`, 1, { name: 'Second' });
  await catalogue.patch(`/v1/venues/${id}`, 2, { address: 'Main street 1' });
  const [, second] = await entriesOf(id);
  expect((await undo(second!)).body).toMatchObject({ name: 'First', address: null });
});

test('what a rule forbids today is refused, and nothing is changed', async () => {
  const venue = await catalogue.venue();
  const hall = await catalogue.hall({ venue_id: venue });
  await catalogue.patch(`/v1/halls/${hall}`, 1, { rows: [{ row: 'A', seats: 9 }] });
  const [wider] = await entriesOf(hall);
  const seats = { inventory: 'seats', hall_id: hall, capacity: undefined, venue_id: venue };
  await catalogue.event(seats);
  const before = await catalogue.rowCount();
  expect(await undo(wider!)).toMatchObject({ status: 409, body: { code: 'in_use' } });
  expect((await catalogue.get(`/v1/halls/${hall}`)).body).toMatchObject({ version: 2, seat_count: 9 });
  expect(await catalogue.rowCount()).toBe(before);
});

test('an object that lies in an archived venue stays as it is', async () => {
  const venue = await catalogue.venue();
  const resource = await catalogue.resource({ venue_id: venue });
  await catalogue.delete(`/v1/resources/${resource}`, 1);
  const [archived] = await entriesOf(resource);
  await catalogue.delete(`/v1/venues/${venue}`, 1);
  expect(await undo(archived!)).toMatchObject({ status: 409, body: { code: 'archived' } });
});

test('a creation is not taken back by a change', async () => {
  const id = await catalogue.venue();
  expect(await undo((await entriesOf(id))[0]!)).toMatchObject({ status: 409, body: { code: 'audit_not_restorable' } });
});

test('it is for admins, of entries that there are', async () => {
  const id = await catalogue.venue();
  await catalogue.patch(`/v1/venues/${id}`, 1, { name: 'Second' });
  const [entry] = await entriesOf(id);
  expect((await undo(entry!, {}, 'operator')).status).toBe(403);
  for (const unknown of [newId('aud'), newId('ven'), 'nonsense']) {
    expect((await undo({ id: unknown })).status).toBe(404);
  }
  expect(await undo(entry!, { reason: 'short' })).toMatchObject({ status: 422 });
  expect(await undo(entry!, { colour: 'red' })).toMatchObject({ status: 422 });
  expect((await catalogue.get(`/v1/venues/${id}`)).body.version).toBe(2);
});
