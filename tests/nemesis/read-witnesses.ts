import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { Customer } from '../support/customers.ts';
import { query } from '../support/query.ts';
import type { Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';
import { placesOf } from './client.ts';
import { sha256Of, type History } from './history.ts';
import type { Charge, Evidence, FinalBooking, Replay, SentMail } from './judge-history.ts';

const AT_ONCE = 8;

/** Asks every witness, after everything has been healed and has come to rest. @throws Error when one does not answer. */
export async function readWitnesses(stack: Stack, history: History, customers: readonly Customer[]): Promise<Evidence> {
  const replays = await sendAgain(history, customers);
  return {
    entries: history.entries,
    bookings: await readBookings(stack, customers),
    replays,
    charges: await readCharges(stack),
    mails: await readMails(stack),
  };
}

/** Every call that was acknowledged, once more with its key. */
async function sendAgain(history: History, customers: readonly Customer[]): Promise<Replay[]> {
  const acknowledged = history.entries.filter(({ type, key }) => type === 'ok' && key !== null);
  return inGroups(acknowledged, async ({ call, client, path, body, key }) => {
    const answer = await customers[client]!.api.post(path, body, { key });
    const replayed = answer.headers.get('idempotent-replayed') === 'true';
    return { call, status: answer.status, sha256: sha256Of(answer.text), replayed };
  });
}

/** Every booking of every customer, by the public API; that none is left out is held against the table. */
async function readBookings(stack: Stack, customers: readonly Customer[]): Promise<Map<string, FinalBooking>> {
  const rows = await query<{ id: string; user_id: string }>(stack, 'select id, user_id from booking.bookings');
  const byId = new Map(customers.map((customer) => [customer.id, customer]));
  const read = await inGroups(rows, async ({ id, user_id }): Promise<FinalBooking> => {
    const customer = byId.get(user_id);
    if (customer === undefined) throw new Error(`${id} is nobody's`);
    const [booking, past] = await Promise.all([
      customer.api.get<BookingJson>(`/v1/bookings/${id}`),
      customer.api.get<{ data: { to: string }[] }>(`/v1/bookings/${id}/history`),
    ]);
    if (booking.status !== 200 || past.status !== 200)
      throw new Error(`${id} cannot be read: ${booking.status} ${booking.text}, ${past.status} ${past.text}`);
    const { reference, status, version } = booking.body;
    return {
      id,
      reference,
      status,
      version,
      customerEmail: customer.email,
      places: placesOf(booking.body),
      statuses: past.body.data.map(({ to }) => to),
    };
  });
  return new Map(read.map((booking) => [booking.id, booking]));
}

async function readCharges(stack: Stack): Promise<Charge[]> {
  const captures = new Map<string, number>();
  for (const { kind, booking_id } of await readEffects(stack.url('provider'))) {
    if (kind !== 'captured') continue;
    captures.set(booking_id ?? 'nothing', (captures.get(booking_id ?? 'nothing') ?? 0) + 1);
  }
  return [...captures].map(([booking, count]) => ({ booking, captures: count }));
}

async function readMails(stack: Stack): Promise<SentMail[]> {
  const url = stack.url('mail');
  const list = (await (await fetch(`${url}/messages?limit=1000`)).json()) as {
    messages: { id: string; to: string[]; subject: string }[];
  };
  return inGroups(list.messages, async ({ id, to, subject }) => {
    const raw = await (await fetch(`${url}/messages/${id}/raw`)).text();
    return { to: to.join(', '), subject, messageId: /^message-id:\s*(\S+)/im.exec(raw)?.[1] ?? id };
  });
}

async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  }
  return results;
}
