import { expect, test } from '@jest/globals';
import { newId, type EventId, type ResourceId } from '@holdfast/shared/ids';
import fc from 'fast-check';
import { buildHallLayout } from '../inventory/hall-layout.ts';
import { NO_FEE } from '../pricing/platform-fee-rules.ts';
import { aCustomer, aHold } from '../testing/booking-fixture.ts';
import { decideHolds, type GrantedHold } from './decide-holds.ts';
import type { HoldSnapshot, PoolInventory, SeatInventory } from './hold-snapshot.ts';

const hallEvent = newId('evt');
const poolEvent = newId('evt');
const resource = newId('res');
const now = new Date('2027-01-04T00:00:00Z');
const customers = [aCustomer(), aCustomer(), aCustomer()];
const limits = { holdsPerUser: 50, placesPerBooking: 10, fee: NO_FEE };

function aSnapshot(options: { capacity: number; claimed: number; taken: string[] }): HoldSnapshot {
  const common = {
    name: 'x',
    venueName: 'y',
    timeZone: 'UTC',
    currency: 'EUR',
    refundPolicy: [],
    archived: false,
    lineDue: false,
  };
  const event = (id: EventId, inventory: SeatInventory | PoolInventory) => ({
    ...common,
    id,
    startsAt: new Date('2027-02-01T00:00:00Z'),
    endsAt: new Date('2027-02-02T00:00:00Z'),
    prices: new Map([['standard', 1000n]]),
    pricing: 'list' as const,
    quoteFallback: 'refuse' as const,
    maxPerBooking: null,
    cancelled: false,
    salesOpenAt: null,
    salesCloseAt: null,
    inventory,
  });
  const layout = buildHallLayout([
    { row: 'A', seats: 6, category: 'standard', accessible: [] },
    { row: 'B', seats: 6, category: 'standard', accessible: [] },
  ]);
  return {
    now,
    events: new Map([
      [hallEvent, event(hallEvent, { kind: 'seats', hallId: newId('hal'), layout, taken: new Set(options.taken) })],
      [
        poolEvent,
        event(poolEvent, {
          kind: 'pool',
          capacity: options.capacity,
          claimed: options.claimed,
          numbered: true,
          placesGiven: options.claimed,
          freePlaces: [],
        }),
      ],
    ]),
    resources: new Map<ResourceId, HoldSnapshot['resources'] extends ReadonlyMap<ResourceId, infer R> ? R : never>([
      [
        resource,
        {
          ...common,
          id: resource,
          rules: {
            timeZone: 'UTC',
            slotMinutes: 30,
            minSlots: 1,
            maxSlots: null,
            openingHours: [{ day: 'mon', opens: '00:00', closes: '24:00' }],
          },
          pricePerSlot: { amount: 500n, currency: 'EUR' },
          claims: [],
        },
      ],
    ]),
    liveHolds: new Map(),
    storedKeys: new Map(),
  };
}

const seat = fc
  .tuple(fc.constantFrom('A', 'B'), fc.integer({ min: 1, max: 6 }))
  .map(([row, number]) => `${row}-${number}`);
const at = (slot: number) => new Date(now.getTime() + 10 * 3_600_000 + slot * 1_800_000).toISOString();
const body = fc.oneof(
  fc.uniqueArray(seat, { minLength: 1, maxLength: 4 }).map((seats) => ({ event_id: hallEvent, seats })),
  fc.integer({ min: 1, max: 4 }).map((quantity) => ({ event_id: hallEvent, quantity })),
  fc.integer({ min: 1, max: 6 }).map((quantity) => ({ event_id: poolEvent, quantity })),
  fc
    .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 4 }))
    .map(([start, length]) => ({ resource_id: resource, starts_at: at(start), ends_at: at(start + length) })),
);
const command = fc.tuple(body, fc.nat(2)).map(([given, who]) => aHold(given, { caller: customers[who]! }));

test('whatever a batch asks for: no seat twice, no overlap, never above capacity, all or nothing, and a refusal only for cause', () => {
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      fc.uniqueArray(seat, { maxLength: 5 }),
      (commands, capacity, taken) => {
        const decisions = decideHolds(commands, aSnapshot({ capacity, claimed: 0, taken }), limits);
        const won = decisions.flatMap((decision): GrantedHold[] =>
          decision.kind === 'granted' ? [decision.hold] : [],
        );

        const seats = [...taken, ...won.flatMap(({ place }) => (place.kind === 'seats' ? place.seats : []))];
        expect(new Set(seats).size).toBe(seats.length);
        const numbers = won.flatMap(({ place }) => (place.kind === 'pool' ? place.numbers : []));
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1));
        expect(numbers.length).toBeLessThanOrEqual(capacity);
        const ranges = won
          .flatMap(({ place }) => (place.kind === 'slots' ? [place] : []))
          .sort((a, b) => +a.startsAt - +b.startsAt);
        ranges.forEach((range, i) => expect(i === 0 || +ranges[i - 1]!.endsAt <= +range.startsAt).toBe(true));

        decisions.forEach((decision, index) => {
          const { request } = commands[index]!;
          if (decision.kind === 'granted') {
            const { place, price, lines } = decision.hold;
            if (request.kind === 'seats' && place.kind === 'seats') expect(place.seats).toEqual(request.seats);
            if (request.kind === 'quantity')
              expect(place.kind === 'seats' ? place.seats.length : place.kind === 'pool' && place.quantity).toBe(
                request.quantity,
              );
            expect(price.amount).toBe(lines.reduce((sum, line) => sum + line.unitAmount * BigInt(line.quantity), 0n));
          } else if (decision.kind === 'refused' && decision.refusal.code === 'seats_taken') {
            // Every seat that is named as taken really was somebody else's at that moment.
            const before = won.filter(
              (_, i) => decisions.indexOf(decisions.filter((d) => d.kind === 'granted')[i]!) < index,
            );
            const gone = new Set([
              ...taken,
              ...before.flatMap(({ place }) => (place.kind === 'seats' ? place.seats : [])),
            ]);
            for (const label of decision.refusal.seats) expect(gone.has(label)).toBe(true);
          }
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('the limit of live holds counts what the user held before and wins in this batch', () => {
  const snapshot = {
    ...aSnapshot({ capacity: 100, claimed: 0, taken: [] }),
    liveHolds: new Map([[customers[0]!.userId, 3]]),
  };
  const commands = Array.from({ length: 4 }, () =>
    aHold({ event_id: poolEvent, quantity: 1 }, { caller: customers[0]! }),
  );
  const kinds = decideHolds(commands, snapshot, { ...limits, holdsPerUser: 5 }).map(({ kind }) => kind);
  expect(kinds).toEqual(['granted', 'granted', 'refused', 'refused']);
});
