import { join } from 'node:path';
import { ApiError, type ApiClient } from './api-client.ts';
import { bookOne, type BookedOne, type BookOneOptions } from './book-one.ts';
import { ensureDemoCatalogue, forgetEvent, type DemoCatalogue } from './demo-catalogue.ts';
import { DEMO_CUSTOMERS, signIn, signInOrRegister, type Credentials } from './demo-users.ts';

export interface FirstBookingsOptions {
  readonly gatewayUrl: string;
  readonly mailUrl: string;
  readonly dataDir: string;
  readonly admin: Credentials;
  readonly customerPassword: string;
  readonly print: (line: string) => void;
}

export interface FirstBookings {
  readonly catalogue: DemoCatalogue;
  /** When the first of them was CONFIRMED, in milliseconds since the epoch. */
  readonly firstConfirmedAt: number;
}

/**
 * One real booking of each kind through the public API, from sign-in to the mail, each printed as a timeline: what a new user sees
 * of the system, and a proof at every start that its whole main path works.
 */
export async function makeFirstBookings(options: FirstBookingsOptions): Promise<FirstBookings> {
  const idsFile = join(options.dataDir, 'demo.json');
  const admin = await signIn(options.gatewayUrl, options.admin);
  let catalogue = await ensureDemoCatalogue(admin, idsFile);

  const kinds = [
    {
      title: 'Two seats in a hall',
      event: 'seatsEventId' as const,
      hold: async () => ({ event_id: catalogue.seatsEventId, quantity: 2, category: 'standard' }),
    },
    {
      title: 'A one-hour net',
      event: undefined,
      hold: (api: ApiClient) => freeSlot(api, catalogue.resourceId),
    },
    {
      title: 'Three places on a ride',
      event: 'poolEventId' as const,
      hold: async () => ({ event_id: catalogue.poolEventId, quantity: 3 }),
    },
  ];

  let firstConfirmedAt: number | undefined;
  for (const [index, kind] of kinds.entries()) {
    const customer = DEMO_CUSTOMERS[index] ?? DEMO_CUSTOMERS[0];
    const who = { ...customer, password: options.customerPassword };
    const order: BookOneOptions = {
      mailUrl: options.mailUrl,
      email: who.email,
      signIn: () => signInOrRegister(options.gatewayUrl, who),
      hold: kind.hold,
    };
    const booked = await bookOne(order).catch(async (error: unknown) => {
      if (kind.event === undefined || !(error instanceof ApiError) || error.code !== 'inventory_unavailable')
        throw error;
      // Many restarts have sold it out.
      forgetEvent(idsFile, kind.event);
      catalogue = await ensureDemoCatalogue(admin, idsFile);
      return bookOne(order);
    });
    firstConfirmedAt ??= booked.confirmedAt;
    print(options, kind.title, who.name, booked);
  }
  return { catalogue, firstConfirmedAt: firstConfirmedAt ?? Date.now() };
}

function print(options: FirstBookingsOptions, title: string, name: string, { booking, lines }: BookedOne): void {
  const { amount, currency } = booking.price;
  const price = new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount / 100);
  const places = booking.seats.length > 0 ? booking.seats.join(', ') : booking.starts_at;
  options.print('');
  options.print(`${title}: ${booking.reference} for ${name}, ${places}, ${price}`);
  for (const line of lines) options.print(line);
}

/** The first free hour of the net from the day after tomorrow on. */
async function freeSlot(api: ApiClient, resourceId: string): Promise<Record<string, unknown>> {
  for (let days = 2; days < 90; days += 7) {
    const date = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const { slots } = await api.get<{ slots: { starts_at: string; ends_at: string; status: string }[] }>(
      `/v1/resources/${resourceId}/availability?date=${date}&days=7`,
    );
    const free = slots.find((slot) => slot.status === 'AVAILABLE');
    if (free !== undefined) return { resource_id: resourceId, starts_at: free.starts_at, ends_at: free.ends_at };
  }
  throw new Error('the demonstration net is booked for 90 days; remove the data folder to start from nothing');
}
