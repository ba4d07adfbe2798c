import { describe, expect, test } from '@jest/globals';
import { newId, type EventId, type ResourceId } from '@holdfast/shared/ids';
import fc from 'fast-check';
import { buildHallLayout } from '../inventory/hall-layout.ts';
import { NO_FEE } from '../pricing/platform-fee-rules.ts';
import { ANY_BASKET, grantHold, type GrantedHold } from './decide-holds.ts';
import type { WaitRequest } from './hold-request.ts';
import type { BookableEvent, BookableResource, HoldSnapshot, Waiter } from './hold-snapshot.ts';
import { serveLines } from './serve-lines.ts';

const event = newId('evt');
const net = newId('res');
const limits = { holdsPerUser: 1, placesPerBooking: 10, fee: NO_FEE };
const now = new Date('2027-01-04T00:00:00Z');
const common = {
  name: 'x',
  venueName: 'y',
  timeZone: 'UTC',
  currency: 'EUR',
  refundPolicy: [],
  archived: false,
  lineDue: true,
};

/** An event whose inventory is as described. */
function snapshotOf(inventory: BookableEvent['inventory']): HoldSnapshot {
  const bookable: BookableEvent = {
    ...common,
    id: event,
    startsAt: new Date('2027-02-01T00:00:00Z'),
    endsAt: new Date('2027-02-02T00:00:00Z'),
    prices: new Map([
      ['standard', 1000n],
      ['premium', 2000n],
    ]),
    pricing: 'list',
    quoteFallback: 'refuse',
    maxPerBooking: null,
    cancelled: false,
    salesOpenAt: null,
    salesCloseAt: null,
    inventory,
  } as BookableEvent;
  return {
    now,
    events: new Map([[event, bookable]]),
    resources: new Map(),
    liveHolds: new Map(),
    storedKeys: new Map(),
  };
}

interface Wish {
  readonly quantity: number;
  readonly least: number;
  readonly category: string | null;
}

function aWaiter(request: WaitRequest, least: number, lastRead = false): Waiter {
  const said = request.kind === 'quantity' ? `${request.quantity}/${least}/${request.category ?? ''}` : 'time';
  return {
    entryId: newId('wtl'),
    request,
    minQuantity: least,
    wish: said,
    lastRead,
    booking: {
      id: newId('bkg'),
      userId: newId('usr'),
      reference: 'BK20270104-7K3Q9D',
      contactEmail: '',
      contactName: '',
      version: 1,
      bookingSeq: 0,
      movedCount: 0,
      createdAt: now,
    },
  };
}

const lineOf = (wishes: readonly Wish[]) =>
  wishes.map(({ quantity, least, category }) =>
    aWaiter({ kind: 'quantity', eventId: event as EventId, quantity, category }, least),
  );
const serve = (snapshot: HoldSnapshot, waiters: readonly Waiter[]) =>
  serveLines([{ of: snapshot.events.get(event)!, waiters }], snapshot, limits);
const quantityOf = ({ place }: GrantedHold) =>
  place.kind === 'seats' ? place.seats.length : place.kind === 'pool' ? place.quantity : 1;
/** Whether the wish, or the least of it, could be had now. */
const couldHave = (snapshot: HoldSnapshot, { request }: Waiter, quantity: number) =>
  !(
    'code' in grantHold(request.kind === 'quantity' ? { ...request, quantity } : request, snapshot, limits, ANY_BASKET)
  );

const wish = (categories: readonly (string | null)[]) =>
  fc
    .record({
      quantity: fc.integer({ min: 1, max: 6 }),
      give: fc.integer({ min: 0, max: 5 }),
      category: fc.constantFrom(...categories),
    })
    .map(({ quantity, give, category }): Wish => ({ quantity, least: Math.max(1, quantity - give), category }));

describe('a line for places of a pool', () => {
  const pool = (capacity: number, claimed: number) =>
    snapshotOf({ kind: 'pool', capacity, claimed, numbered: false, placesGiven: 0, freePlaces: [] });

  test('is served from its head: each gets as much of the wish as there is, and nobody more than was wished', () => {
    fc.assert(
      fc.property(
        fc.array(wish([null, 'standard']), { maxLength: 30 }),
        fc.integer({ min: 0, max: 40 }),
        (wishes, free) => {
          const waiters = lineOf(wishes);
          const { offers } = serve(pool(40, 40 - free), waiters);

          let left = free;
          const expected = wishes.flatMap(({ quantity, least }, index) => {
            const given = Math.min(quantity, left);
            if (given < least) return [];
            left -= given;
            return [[waiters[index]!.booking.id, given]];
          });
          expect(offers.map(({ waiter, hold }) => [waiter.booking.id, quantityOf(hold)])).toEqual(expected);
          expect(offers.every(({ waiter, hold }) => hold.bookingId === waiter.booking.id)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('keeps what is left for those who were not read, when it was read up to a wish that still fits', () => {
    const snapshot = pool(10, 0);
    const place = { kind: 'quantity', eventId: event, quantity: 2, category: null } as const;
    const [first, last, behind] = [aWaiter(place, 2), aWaiter(place, 2, true), aWaiter({ ...place, quantity: 1 }, 1)];
    const served = serve(snapshot, [first, last, behind]);
    expect(served.offers.map(({ waiter }) => waiter)).toEqual([first, last]);
    expect(served.eventIds).toEqual([]);
    expect(couldHave(snapshot, behind, 1)).toBe(false);
  });

  test('is done when the wish that was read to its last does not fit anyhow', () => {
    const place = { kind: 'quantity', eventId: event, quantity: 3, category: null } as const;
    const [tooLarge, single] = [aWaiter(place, 3, true), aWaiter({ ...place, quantity: 1 }, 1)];
    const served = serve(pool(10, 8), [tooLarge, single]);
    expect([served.offers.map(({ waiter }) => waiter), served.eventIds]).toEqual([[single], [event]]);
  });
});

describe('a line for seats', () => {
  const layout = buildHallLayout([
    { row: 'A', seats: 7, category: 'premium', accessible: [] },
    { row: 'B', seats: 8, category: 'standard', accessible: [1] },
  ]);
  const hall = (taken: Iterable<string>) =>
    snapshotOf({ kind: 'seats', hallId: newId('hal'), layout, taken: new Set(taken) });
  const situation = fc.record({
    wishes: fc.array(wish([null, 'standard', 'premium']), { maxLength: 20 }),
    taken: fc.subarray(layout.seats.map(({ label }) => label)),
  });

  test('leaves nothing idle: whoever was not served fits nothing of what is left', () => {
    fc.assert(
      fc.property(situation, ({ wishes, taken }) => {
        const snapshot = hall(taken);
        const waiters = lineOf(wishes);
        const { offers, eventIds } = serve(snapshot, waiters);
        const served = new Set(offers.map(({ waiter }) => waiter));
        for (const waiter of waiters.filter((one) => !served.has(one))) {
          expect(couldHave(snapshot, waiter, waiter.minQuantity)).toBe(false);
        }
        expect(eventIds).toEqual([event]);
      }),
      { numRuns: 500 },
    );
  });

  test('gives each seat once, only free ones, of the category and as many as were wished', () => {
    fc.assert(
      fc.property(situation, ({ wishes, taken }) => {
        const { offers } = serve(hall(taken), lineOf(wishes));
        const given = offers.flatMap(({ hold: { place } }) => (place.kind === 'seats' ? place.seats : []));
        expect(new Set([...given, ...taken]).size).toBe(given.length + taken.length);
        for (const { waiter, hold } of offers) {
          if (waiter.request.kind !== 'quantity' || hold.place.kind !== 'seats') throw new Error('not seats');
          const { quantity, category } = waiter.request;
          expect(quantityOf(hold)).toBeGreaterThanOrEqual(waiter.minQuantity);
          expect(quantityOf(hold)).toBeLessThanOrEqual(quantity);
          if (category !== null) {
            expect(hold.place.seats.every((label) => layout.byLabel.get(label)!.category === category)).toBe(true);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('nobody further back changes what those before get', () => {
    fc.assert(
      fc.property(situation, fc.nat(20), ({ wishes, taken }, cut) => {
        const waiters = lineOf(wishes);
        const seatsOf = (upTo: readonly Waiter[]) =>
          serve(hall(taken), upTo).offers.map(({ waiter, hold: { place } }) => [
            waiter.entryId,
            place.kind === 'seats' ? place.seats : [],
          ]);
        const [all, front] = [seatsOf(waiters), seatsOf(waiters.slice(0, cut))];
        expect(all.slice(0, front.length)).toEqual(front);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a line for times', () => {
  test('gives overlapping times to whoever stands first, and leaves no time idle that somebody wants', () => {
    const half = (n: number) => new Date(now.getTime() + n * 1_800_000);
    const range = fc.record({ from: fc.integer({ min: 20, max: 30 }), slots: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 15 }), fc.array(range, { maxLength: 3 }), (wishes, taken) => {
        const resource: BookableResource = {
          ...common,
          id: net as ResourceId,
          rules: {
            timeZone: 'UTC',
            slotMinutes: 30,
            minSlots: 1,
            maxSlots: null,
            openingHours: [{ day: 'mon', opens: '00:00', closes: '24:00' }],
          },
          pricePerSlot: { amount: 1200n, currency: 'EUR' },
          claims: taken.map(({ from, slots }) => ({ from: half(from).getTime(), to: half(from + slots).getTime() })),
        };
        const snapshot = { ...snapshotOf(poolOfNothing), resources: new Map([[net, resource]]) };
        const waiters = wishes.map(({ from, slots }) => ({
          ...aWaiter({ kind: 'slot', resourceId: net, startsAt: half(from), endsAt: half(from + slots) }, 1),
          wish: `${from}/${slots}`,
        }));
        const { offers, resourceIds } = serveLines([{ of: resource, waiters }], snapshot, limits);

        const busy = [...taken];
        const expected = wishes.flatMap((one, index) => {
          if (busy.some((other) => other.from < one.from + one.slots && one.from < other.from + other.slots)) return [];
          busy.push(one);
          return [waiters[index]];
        });
        expect(offers.map(({ waiter }) => waiter)).toEqual(expected);
        expect(resourceIds).toEqual([net]);
      }),
      { numRuns: 300 },
    );
  });
  const poolOfNothing = {
    kind: 'pool',
    capacity: 1,
    claimed: 1,
    numbered: false,
    placesGiven: 0,
    freePlaces: [],
  } as const satisfies BookableEvent['inventory'] as unknown as BookableEvent['inventory'];
});
