import type { ApiClient } from '../support/api-client.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import type { Random } from './random.ts';

/** Something that the clients book. */
export interface Offer {
  /** The body of a hold, as chance has it. */
  hold(random: Random): object;
}

const SEATS = 60;
const SLOTS = 20;

/** Some of each kind of inventory, small enough that clients get into each other's way. */
export async function makeOffers(admin: ApiClient): Promise<Offer[]> {
  const [seats, moreSeats, pool, numbered, ...resources] = await Promise.all([
    makeSeatsEvent(admin, { seats: SEATS }),
    makeSeatsEvent(admin, { seats: SEATS }),
    makePoolEvent(admin, { capacity: 150 }),
    makePoolEvent(admin, { capacity: 150, numbered: true }),
    makeResource(admin),
    makeResource(admin),
    makeResource(admin),
  ]);
  const seatsOf = (event_id: string): Offer => ({
    hold: (random) => {
      if (random.chance(0.3)) return { event_id, quantity: random.between(1, 4) };
      const first = random.between(1, SEATS - 2);
      return { event_id, seats: Array.from({ length: random.between(1, 3) }, (_, i) => `A-${first + i}`) };
    },
  });
  const placesOf = (event_id: string): Offer => ({
    hold: (random) => ({ event_id, quantity: random.between(1, 3) }),
  });
  return [
    seatsOf(seats),
    seatsOf(moreSeats),
    placesOf(pool),
    placesOf(numbered),
    ...resources.map((resource_id): Offer => ({
      hold: (random) => ({ resource_id, ...halfHours(random.between(1, 3), random.between(0, SLOTS)) }),
    })),
  ];
}
