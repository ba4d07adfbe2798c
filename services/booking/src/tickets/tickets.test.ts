import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { OfflineTicketsJson, TicketJson, TicketKeyJson } from '@holdfast/shared/contracts/tickets';
import { newId } from '@holdfast/shared/ids';
import { aCustomer, aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { serveRoutes, type HttpFixture, type RequestOptions } from '../testing/http-fixture.ts';
import { completeEndedBookings } from './complete-ended-bookings.ts';
import { ticketRoutes } from './routes.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  http = await serveRoutes(ticketRoutes({ pool: booking.pool, watch: checkout.watch }));
});
afterAll(async () => {
  await http.stop();
  await booking.stop();
});

/** Two seats, paid. */
async function confirmed(options: { startsInHours?: number } = {}): Promise<Held> {
  const held = await checkout.hold(options);
  await checkout.pay(held);
  await checkout.tell(held, 'authorised');
  await checkout.tell(held, 'captured');
  return held;
}

async function ticketsOf(held: Held, options: RequestOptions = { as: 'operator' }) {
  const reply = await http.get(`/v1/bookings/${held.id}/tickets`, options);
  return { status: reply.status, tickets: reply.body.data as unknown as TicketJson[] };
}

async function act(held: Held, action: 'check-in' | 'complete', body: object = {}, options: RequestOptions = {}) {
  const reply = await http.post(`/v1/bookings/${held.id}/${action}`, body, { as: 'operator', ...options });
  const { server_now: _now, ...rest } = reply.body as unknown as BookingJson & { code?: string; detail?: string };
  return { status: reply.status, body: rest, replayed: reply.headers.get('idempotent-replayed') };
}

describe('a confirmed booking', () => {
  test('has a ticket for each place, the same in its event and in the list, verified with the public key alone', async () => {
    const held = await confirmed();
    const { rows } = await booking.pool.query<{ data: { tickets: { place: string; code: string }[] } }>(
      `select payload::json -> 'data' as data from outbox where ordering_key = $1 and subject like '%.confirmed'`,
      [held.id],
    );
    const { tickets } = await ticketsOf(held);
    expect(tickets.map(({ place }) => place)).toEqual(['A-1', 'A-2']);
    expect(rows[0]!.data.tickets).toEqual(tickets.map(({ place, code }) => ({ place, code })));

    const keys = (await http.get('/v1/ticket-keys')).body.data as unknown as TicketKeyJson[];
    const x = keys.find(({ current }) => current)!.public_key;
    for (const { code } of tickets) {
      const dot = code.lastIndexOf('.');
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      expect(
        verify(null, Buffer.from(code.slice(0, dot)), publicKey, Buffer.from(code.slice(dot + 1), 'base64url')),
      ).toBe(true);
      expect(JSON.parse(Buffer.from(code.split('.')[2]!, 'base64url').toString())).toContain(held.event);
    }
  });

  test('shows its tickets to its owner and to operators', async () => {
    const held = await confirmed();
    expect((await ticketsOf(held, { as: 'customer', userId: held.caller.userId })).tickets).toHaveLength(2);
    expect((await ticketsOf(held, { as: 'customer' })).status).toBe(404);
  });

  test('of unnumbered places, of a time slot and of no price has them too', async () => {
    const pool = await booking.poolEvent({ amount: 0 });
    const resource = await booking.resource();
    const caller = aCustomer();
    for (const [body, places] of [
      [{ event_id: pool, quantity: 3 }, ['1/3', '2/3', '3/3']],
      [{ resource_id: resource, ...aSlot(2) }, ['1/1']],
    ] as const) {
      const [result] = await booking.settle(aHold(body, { caller }));
      if (result?.kind !== 'answered') throw new Error('not held');
      const held: Held = { id: (JSON.parse(result.answer.body) as { id: Held['id'] }).id, caller, event: pool };
      expect((await ticketsOf(held)).tickets).toEqual([]);
      if ((await checkout.pay(held)).status === 202) {
        await checkout.tell(held, 'authorised');
        await checkout.tell(held, 'captured');
      }
      expect((await ticketsOf(held)).tickets.map(({ place }) => place)).toEqual(places);
    }
  });

  test('from before there were tickets gets them when they are asked for, once', async () => {
    const held = await confirmed();
    await booking.pool.query('delete from tickets where booking_id = $1', [held.id]);
    const lists = await Promise.all([ticketsOf(held), ticketsOf(held), ticketsOf(held)]);
    expect(lists[0]!.tickets).toHaveLength(2);
    expect(new Set(lists.map(({ tickets }) => JSON.stringify(tickets))).size).toBe(1);
  });
});

/** When each ticket of a booking let somebody in, in their order. */
async function admittedAt(held: Held): Promise<(Date | null)[]> {
  const { rows } = await booking.pool.query<{ admitted_at: Date | null }>(
    'select admitted_at from tickets where booking_id = $1 order by position',
    [held.id],
  );
  return rows.map((row) => row.admitted_at);
}

describe('at the door', () => {
  test('a booking is checked in once, with or without its ticket, and the answer stays the same', async () => {
    const held = await confirmed();
    const { tickets } = await ticketsOf(held);
    const first = await act(held, 'check-in', { code: tickets[1]!.code });
    expect(first).toMatchObject({ status: 200, body: { status: 'CHECKED_IN', attended: null } });
    await booking.database.advanceClock(60_000);
    expect(await act(held, 'check-in', { code: tickets[0]!.code })).toEqual(first);
    expect(await act(held, 'check-in')).toEqual(first);
    await booking.database.setClockOffset(0);
  });

  test('each ticket lets one person in, and one that is shown again is told apart', async () => {
    const held = await confirmed();
    const [one, two] = (await ticketsOf(held)).tickets as [TicketJson, TicketJson];
    const scan = async (body: object) =>
      (await http.post(`/v1/bookings/${held.id}/check-in`, body, { as: 'operator' })).headers.get('check-in');
    expect(await scan({ code: one.code })).toBe('admitted');
    expect(await scan({ code: one.code })).toBe('already_in');
    expect((await admittedAt(held)).filter((at) => at !== null)).toHaveLength(1);
    expect(await scan({ code: two.code })).toBe('admitted');
    expect(await scan({ code: two.code })).toBe('already_in');
    expect(await scan({})).toBe('already_in');
    // Without a ticket the whole booking comes in.
    const other = await confirmed();
    const whole = await http.post(`/v1/bookings/${other.id}/check-in`, {}, { as: 'operator' });
    expect(whole.headers.get('check-in')).toBe('admitted');
    expect((await admittedAt(other)).every((at) => at !== null)).toBe(true);
    const third = await confirmed();
    const [first] = (await ticketsOf(third)).tickets;
    await http.post(`/v1/bookings/${third.id}/check-in`, { code: first!.code }, { as: 'operator' });
    const rest = await http.post(`/v1/bookings/${third.id}/check-in`, {}, { as: 'operator' });
    expect(rest.headers.get('check-in')).toBe('admitted');
    expect((await admittedAt(third)).every((at) => at !== null)).toBe(true);
  });

  test('of ten who check one booking in at once, one does and all get its answer', async () => {
    const held = await confirmed();
    const answers = await Promise.all(Array.from({ length: 10 }, () => act(held, 'check-in')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]!.body.checked_in_at).not.toBeNull();
    expect((await checkout.history(held)).filter((step) => step.endsWith('CHECKED_IN'))).toHaveLength(1);
  });

  test('a key gives its stored answer again and stands for one request', async () => {
    const held = await confirmed();
    const options = { userId: newId('usr'), headers: { 'idempotency-key': 'door-1' } };
    const first = await act(held, 'check-in', {}, options);
    expect(await act(held, 'check-in', {}, options)).toEqual({ ...first, replayed: 'true' });
    expect((await act(held, 'complete', {}, options)).body.code).toBe('idempotency_key_reused');
  });

  test('what is no ticket, one of another booking and one that was never written are refused', async () => {
    const held = await confirmed();
    const other = await confirmed();
    const [mine, theirs] = [(await ticketsOf(held)).tickets[0]!, (await ticketsOf(other)).tickets[0]!];
    const refusal = async (code: string) => {
      const { status, body } = await act(held, 'check-in', { code });
      return [status, body.code];
    };
    expect(await refusal(theirs.code)).toEqual([409, 'ticket_wrong_booking']);
    expect((await act(held, 'check-in', { code: theirs.code })).body).toMatchObject({ reason: 'wrong_event' });
    await booking.pool.query('update tickets set event_id = $2 where id = $1', [theirs.id, held.event]);
    expect((await act(held, 'check-in', { code: theirs.code })).body).toMatchObject({ reason: 'wrong_booking' });
    expect(await refusal('BK20270104-7K3Q9D')).toEqual([422, 'ticket_invalid']);
    expect(await refusal(`${mine.code.slice(0, -1)}${mine.code.endsWith('A') ? 'Q' : 'A'}`)).toEqual([
      422,
      'ticket_invalid',
    ]);
    await booking.pool.query('delete from tickets where id = $1', [mine.id]);
    expect(await refusal(mine.code)).toEqual([422, 'ticket_invalid']);
    expect((await checkout.state(held)).status).toBe('CONFIRMED');
  });

  test('a booking that is unpaid, cancelled or refunded lets nobody in, and says which', async () => {
    const held = await checkout.hold();
    expect(await act(held, 'check-in')).toMatchObject({
      status: 409,
      body: { code: 'not_checkable', reason: 'not_paid' },
    });
    const gone = await confirmed();
    const code = (await ticketsOf(gone)).tickets[0]!.code;
    await checkout.cancel(gone);
    expect((await act(gone, 'check-in', { code })).body).toMatchObject({
      code: 'not_checkable',
      status_of_booking: 'CANCELLED',
      reason: 'cancelled',
    });
    await checkout.tell(gone, 'refunded', { attempt: null });
    expect((await act(gone, 'check-in', { code })).body).toMatchObject({
      status_of_booking: 'REFUNDED',
      reason: 'refunded',
    });
  });

  test('customers, strange fields and strange ids are refused', async () => {
    const held = await confirmed();
    expect((await act(held, 'check-in', {}, { as: 'customer' })).body.code).toBe('forbidden');
    expect((await act(held, 'check-in', { when: 'now' })).body.code).toBe('validation_failed');
    expect((await act({ ...held, id: newId('bkg') }, 'check-in')).body.code).toBe('not_found');
    expect((await http.post('/v1/bookings/bkg_1/check-in', {})).body.code).toBe('not_found');
  });

  test('an operator may cancel who is checked in, the customer may not', async () => {
    const held = await confirmed();
    await act(held, 'check-in');
    await expect(checkout.cancel(held)).rejects.toMatchObject({ code: 'not_cancellable' });
    const operator = { ...held, caller: { ...aCustomer(), role: 'operator' as const } };
    expect((await checkout.cancel(operator)).body).toMatchObject({
      status: 'CANCELLED',
      refund: { status: 'PENDING' },
    });
  });
});

describe('when a booking is over', () => {
  test('an operator completes it, attended or not, once', async () => {
    const [came, stayedAway] = [await confirmed(), await confirmed()];
    await act(came, 'check-in');
    const first = await act(came, 'complete');
    expect(first).toMatchObject({ status: 200, body: { status: 'COMPLETED', attended: true } });
    expect(await act(came, 'complete')).toEqual(first);
    expect((await act(stayedAway, 'complete')).body).toMatchObject({ status: 'COMPLETED', attended: false });
    const held = await checkout.hold();
    expect((await act(held, 'complete')).body.code).toBe('not_completable');
  });

  test('loops side by side complete each booking once, after its end and not before', async () => {
    await completeEndedBookings({ pool: booking.pool, watch: checkout.watch });
    const [came, stayedAway, later] = [await confirmed(), await confirmed(), await confirmed({ startsInHours: 100 })];
    await act(came, 'check-in');
    const rounds = () =>
      Promise.all(
        Array.from({ length: 4 }, () => completeEndedBookings({ pool: booking.pool, watch: checkout.watch })),
      );
    expect((await rounds()).every(({ completed }) => completed === 0)).toBe(true);
    await booking.database.advanceClock(74 * 3_600_000 + 60_000);
    await rounds();
    await booking.database.setClockOffset(0);
    const attended = await booking.pool.query(
      'select status, attended from bookings where id = any ($1) order by array_position($1, id)',
      [[came.id, stayedAway.id, later.id]],
    );
    expect(attended.rows).toEqual([
      { status: 'COMPLETED', attended: true },
      { status: 'COMPLETED', attended: false },
      { status: 'CONFIRMED', attended: null },
    ]);
    expect((await checkout.history(came)).slice(-2)).toEqual(['CONFIRMED CHECKED_IN', 'CHECKED_IN COMPLETED']);
    expect((await checkout.history(stayedAway)).at(-1)).toBe('CONFIRMED COMPLETED');
  });
});

describe('a door without a network', () => {
  const listOf = async (event: string, options: RequestOptions = { as: 'operator' }) => {
    const reply = await http.get(`/v1/events/${event}/tickets/offline`, options);
    return { status: reply.status, text: reply.text, list: reply.body as unknown as OfflineTicketsJson };
  };
  const nonceOf = (ticket: TicketJson) =>
    (JSON.parse(Buffer.from(ticket.code.split('.')[2]!, 'base64url').toString()) as string[])[4]!;
  /** As a scanner does it: with what the list says about itself and nothing else. */
  const isGenuine = (list: OfflineTicketsJson) => {
    const lines = list.tickets.map(({ hash, checked_in: used }) => `${hash} ${used ? 1 : 0}`);
    const text = ['HFL1', list.kid, list.event_id, list.generated_at, ...lines].join('\n');
    const x = list.keys.find(({ kid }) => kid === list.kid)!.public_key;
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, Buffer.from(text), publicKey, Buffer.from(list.signature, 'base64url'));
  };

  test('has the hashes of the tickets that are valid, with the time, signed', async () => {
    const held = await confirmed();
    const { tickets } = await ticketsOf(held);
    const { list, text } = await listOf(held.event);
    const hashes = tickets.map((ticket) => createHash('sha256').update(nonceOf(ticket)).digest('base64url'));
    expect(list.tickets).toEqual(hashes.toSorted().map((hash) => ({ hash, checked_in: false })));
    expect(isGenuine(list)).toBe(true);
    expect(isGenuine({ ...list, tickets: list.tickets.slice(1) })).toBe(false);
    expect(isGenuine({ ...list, generated_at: new Date(0).toISOString() })).toBe(false);
    for (const ticket of tickets) expect(text).not.toContain(nonceOf(ticket));

    // One ticket of the two, then the whole booking; and one that was checked in before tickets were noted.
    await act(held, 'check-in', { code: tickets[0]!.code });
    const used = async () => (await listOf(held.event)).list.tickets.filter((ticket) => ticket.checked_in).length;
    expect(await used()).toBe(1);
    await act(held, 'check-in', { code: tickets[1]!.code });
    expect(await used()).toBe(2);
    await booking.pool.query('update tickets set admitted_at = null where booking_id = $1', [held.id]);
    expect(await used()).toBe(2);
  });

  test('knows nothing of holds and of bookings that were cancelled', async () => {
    const held = await checkout.hold();
    expect((await listOf(held.event)).list.tickets).toEqual([]);
    const gone = await confirmed();
    await checkout.cancel(gone);
    expect((await listOf(gone.event)).list.tickets).toEqual([]);
  });

  test('is for operators, and for events that there are', async () => {
    const held = await checkout.hold();
    expect((await listOf(held.event, { as: 'customer' })).status).toBe(403);
    expect((await listOf(newId('evt'))).status).toBe(404);
    expect((await listOf('evt_1')).status).toBe(404);
  });
});

describe('when the key is changed', () => {
  test('new tickets are signed with it and old ones stay valid', async () => {
    const before = await confirmed();
    const rotated = (await http.post('/v1/ticket-keys/rotate', {})).body as unknown as TicketKeyJson;
    expect(rotated).toMatchObject({ object: 'ticket_key', current: true });
    const audit = await booking.pool.query('select action, entity_kind, after from audit_log where entity_id = $1', [
      rotated.kid,
    ]);
    expect(audit.rows).toEqual([
      { action: 'rotate', entity_kind: 'ticket_key', after: { ...rotated, id: rotated.kid } },
    ]);
    const after = await confirmed();
    const [old, fresh] = [(await ticketsOf(before)).tickets[0]!.code, (await ticketsOf(after)).tickets[0]!.code];
    expect(fresh.split('.')[1]).toBe(rotated.kid);
    expect(old.split('.')[1]).not.toBe(rotated.kid);
    expect((await act(before, 'check-in', { code: old })).status).toBe(200);
    expect((await act(after, 'check-in', { code: fresh })).status).toBe(200);
  });

  test('of many who change it at once one key is current in the end', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => http.post('/v1/ticket-keys/rotate', {})));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const keys = (await http.get('/v1/ticket-keys')).body.data as unknown as TicketKeyJson[];
    expect(keys.filter(({ current }) => current)).toHaveLength(1);
    expect((await http.post('/v1/ticket-keys/rotate', {}, { as: 'operator' })).body.code).toBe('forbidden');
  });
});
