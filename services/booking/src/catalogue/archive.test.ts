import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type EventId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { aCustomer, aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { setupCatalogue, type CatalogueFixture, type CatalogueKindName } from '../testing/catalogue-fixture.ts';
import type { CatalogueObject } from './answer-create.ts';
import { archiveObject } from './archive-object.ts';
import type { CatalogueKind } from './catalogue-kind.ts';
import { isRefusal } from './catalogue-refusal.ts';
import { EVENTS } from './events/event-kind.ts';
import { HALLS } from './halls/hall-kind.ts';
import { RESOURCES } from './resources/resource-kind.ts';
import { restoreObject } from './restore-object.ts';
import { VENUES } from './venues/venue-kind.ts';

const admin = { ...aCustomer(), role: 'admin' as const };

describe('over HTTP', () => {
  let catalogue: CatalogueFixture;
  beforeAll(async () => {
    catalogue = await setupCatalogue();
  });
  afterAll(() => catalogue.stop());
  const listed = async (collection: CatalogueKindName) =>
    (await catalogue.get(`/v1/${collection}?limit=100`)).body.data.map(({ id }) => id);

  test.each<CatalogueKindName>(['venues', 'resources', 'halls', 'events'])(
    'a deleted one of %s leaves the list, can be read, and comes back',
    async (collection) => {
      const id = await catalogue.create(collection);
      const path = `/v1/${collection}/${id}`;
      expect((await catalogue.delete(path, null)).body.code).toBe('version_required');
      expect((await catalogue.delete(path, 2)).body.code).toBe('version_mismatch');
      const deleted = await catalogue.delete(path, 1);
      expect([deleted.status, deleted.text, deleted.headers.get('etag')]).toEqual([204, '', '"2"']);
      expect(await listed(collection)).not.toContain(id);
      expect((await catalogue.get(path)).body).toMatchObject({ version: 2, archived_at: expect.any(String) });

      expect((await catalogue.delete(path, 2)).status).toBe(204);
      expect(await catalogue.patch(path, 2, { name: 'x' })).toMatchObject({ status: 409, body: { code: 'archived' } });

      const headers = { 'idempotency-key': newId('req') };
      const restored = await catalogue.post(`${path}/restore`, '', { headers });
      expect(restored).toMatchObject({ status: 200, body: { version: 3, archived_at: null } });
      expect(restored.headers.get('etag')).toBe('"3"');
      const replayed = await catalogue.post(`${path}/restore`, {}, { headers });
      expect([replayed.text, replayed.headers.get('idempotent-replayed')]).toEqual([restored.text, 'true']);
      expect(await catalogue.post(`${path}/restore`, {})).toMatchObject({ status: 200, body: { version: 3 } });
      expect((await catalogue.post(`${path}/restore`, { why: 'x' })).status).toBe(422);
      expect(await listed(collection)).toContain(id);
    },
  );

  test('what lies in an archived venue is not listed, and is restored after the venue', async () => {
    const venue_id = await catalogue.venue();
    const inside = {
      resources: await catalogue.resource({ venue_id }),
      halls: await catalogue.hall({ venue_id }),
      events: await catalogue.event({ venue_id }),
    };
    const eventPath = `/v1/events/${inside.events}`;
    expect((await catalogue.delete(eventPath, 1)).status).toBe(204);
    expect((await catalogue.delete(`/v1/venues/${venue_id}`, 1)).status).toBe(204);
    for (const collection of ['resources', 'halls', 'events'] as const) {
      expect(await listed(collection)).not.toContain(inside[collection]);
    }
    expect(await catalogue.post(`${eventPath}/restore`, {})).toMatchObject({ status: 409, body: { code: 'archived' } });
    expect((await catalogue.post(`/v1/venues/${venue_id}/restore`, {})).status).toBe(200);
    expect((await catalogue.post(`${eventPath}/restore`, {})).status).toBe(200);
    for (const collection of ['resources', 'halls', 'events'] as const) {
      expect(await listed(collection)).toContain(inside[collection]);
    }
  });
});

describe('with bookings', () => {
  let booking: BookingFixture;
  let other: Pool;
  beforeAll(async () => {
    booking = await setupBooking();
    other = createPool({
      connectionString: booking.database.url('booking'),
      schema: 'booking',
      logger: createLogger({ service: 'booking-test', level: 'silent' }),
      applicationName: 'booking-test-admin',
    });
  });
  afterAll(async () => {
    await other.end();
    await booking.stop();
  });

  const archive = async <T extends CatalogueObject>(kind: CatalogueKind<T>, id: string) => {
    const result = await withTransaction(other, async (tx) =>
      archiveObject(tx, kind, { caller: admin, id, ifMatch: `"${(await kind.read(tx, id))!.version}"` }),
    );
    return isRefusal(result) ? result.refused : 'archived';
  };
  const around = async (id: EventId) => {
    const { rows } = await booking.pool.query<{ venue_id: string; hall_id: string }>(
      'select venue_id, hall_id from events where id = $1',
      [id],
    );
    return rows[0]!;
  };
  test('an event with a live one stays, and so do its hall and its venue', async () => {
    const event = await booking.seatEvent();
    const { venue_id, hall_id } = await around(event);
    await booking.settle(aHold({ event_id: event, seats: ['A-1'] }));
    expect(await archive(EVENTS, event)).toBe('in_use');
    expect(await archive(HALLS, hall_id)).toBe('in_use');
    expect(await archive(VENUES, venue_id)).toBe('in_use');
  });

  test('a resource with a live one stays, and so does its venue', async () => {
    const resource = await booking.resource();
    const { rows } = await booking.pool.query<{ venue_id: string }>('select venue_id from resources where id = $1', [
      resource,
    ]);
    await booking.settle(aHold({ resource_id: resource, ...aSlot() }));
    expect(await archive(RESOURCES, resource)).toBe('in_use');
    expect(await archive(VENUES, rows[0]!.venue_id)).toBe('in_use');
  });

  test('ones that are over, by state or by time, keep nothing', async () => {
    const event = await booking.poolEvent();
    const results = await booking.settle(aHold({ event_id: event, quantity: 1 }));
    expect(results[0]!.kind).toBe('answered');
    await booking.pool.query("update bookings set status = 'CANCELLED' where event_id = $1", [event]);
    expect(await archive(EVENTS, event)).toBe('archived');

    const past = await booking.poolEvent({ startsInHours: 1 });
    await booking.settle(aHold({ event_id: past, quantity: 1 }));
    await booking.pool.query(
      "update bookings set starts_at = starts_at - interval '2 days', ends_at = ends_at - interval '2 days' where event_id = $1",
      [past],
    );
    expect(await archive(EVENTS, past)).toBe('archived');
  });

  test.each(['event', 'hall', 'venue'] as const)('with its %s archived an event is not sold', async (what) => {
    const event = await booking.seatEvent();
    const { venue_id, hall_id } = await around(event);
    const archived = {
      event: () => archive(EVENTS, event),
      hall: () => archive(HALLS, hall_id),
      venue: () => archive(VENUES, venue_id),
    };
    expect(await archived[what]()).toBe('archived');
    const [seats, quantity] = await booking.settle(
      aHold({ event_id: event, seats: ['A-1'] }),
      aHold({ event_id: event, quantity: 1 }),
    );
    expect([seats, quantity]).toEqual(Array(2).fill({ kind: 'refused', refusal: { code: 'archived' } }));
  });

  test.each([
    ['event', EVENTS],
    ['hall', HALLS],
    ['venue', VENUES],
  ] as const)('no hold slips in while its %s is archived by another process', async (what, kind) => {
    for (let round = 0; round < 12; round++) {
      const event = await booking.seatEvent();
      const { venue_id, hall_id } = await around(event);
      const id = { event, hall: hall_id, venue: venue_id }[what];
      const holds = () =>
        Promise.all(
          Array.from({ length: 3 }, (_, n) => booking.settle(aHold({ event_id: event, seats: [`A-${n + 1}`] }))),
        );
      // Whoever starts first has the better chance; both orders are tried.
      const [archived, held] =
        round % 2 === 0
          ? await Promise.all([archive(kind as CatalogueKind<CatalogueObject>, id), holds()])
          : await Promise.all([holds(), archive(kind as CatalogueKind<CatalogueObject>, id)]).then(
              ([h, a]) => [a, h] as const,
            );
      const granted = held.flat().filter((result) => result.kind === 'answered').length;
      const { rows } = await booking.pool.query<{ live: number }>(
        "select count(*)::int as live from bookings where event_id = $1 and status = 'HELD'",
        [event],
      );
      expect(rows[0]!.live).toBe(granted);
      if (archived === 'archived') expect(granted).toBe(0);
      else expect(granted).toBeGreaterThan(0);
    }
  });

  test('restored, an event is sold again', async () => {
    const event = await booking.poolEvent();
    expect(await archive(EVENTS, event)).toBe('archived');
    await withTransaction(other, (tx) => restoreObject(tx, EVENTS, { caller: admin, id: event }));
    expect((await booking.settle(aHold({ event_id: event, quantity: 1 })))[0]!.kind).toBe('answered');
  });
});
