import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { Customer } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { listAuditRows } from '@holdfast/shared/audit/audit-store';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { aCustomer, aHold, HOLD_TIMES, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { serveRoutes, type HttpFixture } from '../testing/http-fixture.ts';
import { ticketRoutes } from '../tickets/routes.ts';
import { bookingRoutes } from './routes.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  const { pool } = booking;
  const { watch } = checkout;
  http = await serveRoutes(
    bookingRoutes({ pool, watch, times: HOLD_TIMES, onCommit }),
    ticketRoutes({ pool, watch }),
    auditRoutes(pool, 'booking'),
  );
});
afterAll(async () => {
  await http.stop();
  await booking.stop();
});

const ADA: Customer = { userId: newId('usr'), email: 'ada@example.org', name: 'Ada' };

/** An operator who acts for a customer, as the gateway vouches for both. */
function anOperator(customer: Customer | null = ADA): SignedInCaller {
  const operator = { ...aCustomer(), role: 'operator' as const, email: 'desk@example.org', name: 'The desk' };
  return customer ? { ...operator, customer } : operator;
}

async function heldFor(
  customer: Customer,
  operator: SignedInCaller,
  amount?: number,
): Promise<Held & { json: BookingJson }> {
  const event = await booking.poolEvent(amount === undefined ? {} : { amount });
  const body = { event_id: event, quantity: 1, customer_id: customer.userId };
  const [result] = await booking.settle(aHold(body, { caller: operator }));
  if (result?.kind !== 'answered') throw new Error(JSON.stringify(result));
  const json = JSON.parse(result.answer.body) as BookingJson;
  return { id: json.id as Held['id'], caller: operator, event, json };
}

const auditOf = (id: string) => listAuditRows(booking.pool, { entity: id, actor: null, before: null, limit: 20 });
const as = (caller: SignedInCaller) => ({ as: caller.role, userId: caller.userId });

describe('an operator who books for a customer', () => {
  test('makes it the customer’s booking, with the customer’s contact, and stands in history and audit', async () => {
    const operator = anOperator();
    const { id, json } = await heldFor(ADA, operator);
    expect(json.customer_id).toBe(ADA.userId);
    const { rows } = await booking.pool.query(
      'select user_id, contact_email, contact_name from bookings where id = $1',
      [id],
    );
    expect(rows).toEqual([{ user_id: ADA.userId, contact_email: ADA.email, contact_name: ADA.name }]);

    const customer = { as: 'customer', userId: ADA.userId } as const;
    expect((await http.get(`/v1/bookings/${id}`, customer)).body).toMatchObject({ id, customer_id: ADA.userId });
    const history = await http.get(`/v1/bookings/${id}/history`, customer);
    expect(history.body.data).toMatchObject([{ to: 'HELD', actor: operator.userId, on_behalf_of: ADA.userId }]);
    expect(await auditOf(id)).toMatchObject([
      {
        actor: operator.userId,
        role: 'operator',
        action: 'create',
        entity_kind: 'booking',
        before: null,
        after: { id, customer_id: ADA.userId, status: 'HELD' },
        request_id: operator.requestId,
      },
    ]);
  });

  test('uses up the customer’s holds and not the operator’s', async () => {
    const customer = { ...ADA, userId: newId('usr') };
    const operator = anOperator(customer);
    const event_id = await booking.poolEvent();
    const forCustomer = () => aHold({ event_id, quantity: 1, customer_id: customer.userId }, { caller: operator });
    const results = await booking.settle(...Array.from({ length: 6 }, forCustomer));
    expect(results.map(({ kind }) => kind)).toEqual([...Array.from({ length: 5 }, () => 'answered'), 'refused']);
    const [own] = await booking.settle(aHold({ event_id, quantity: 1 }, { caller: operator }));
    expect(own!.kind).toBe('answered');
    const [hers] = await booking.settle(aHold({ event_id, quantity: 1 }, { caller: aCustomer(customer.userId) }));
    expect(hers).toMatchObject({ kind: 'refused', refusal: { code: 'too_many_holds' } });
  });

  test('gets the same answer again for the same key, which is the operator’s: another customer is another request', async () => {
    const operator = anOperator();
    const event_id = await booking.poolEvent();
    const hold = (customer: Customer) =>
      aHold(
        { event_id, quantity: 1, customer_id: customer.userId },
        { caller: { ...operator, customer }, key: 'desk-1' },
      );
    const [first] = await booking.settle(hold(ADA));
    expect(await booking.settle(hold(ADA))).toMatchObject([{ kind: 'answered', replayed: true }]);
    expect(await booking.settle(hold({ ...ADA, userId: newId('usr') }))).toMatchObject([
      { kind: 'refused', refusal: { code: 'key_reused' } },
    ]);
    const { id } = JSON.parse((first as { answer: { body: string } }).answer.body) as BookingJson;
    expect(await auditOf(id)).toHaveLength(1);
  });

  test('pays, extends, cancels and checks in for the customer; each is audited before and after', async () => {
    const operator = anOperator();
    const free = await heldFor(ADA, operator, 0);
    const key = () => ({ ...as(operator), headers: { 'idempotency-key': newId('req') } });
    expect((await http.post(`/v1/bookings/${free.id}/extend`, {}, key())).status).toBe(200);
    expect((await http.post(`/v1/bookings/${free.id}/pay`, {}, key())).body).toMatchObject({ status: 'CONFIRMED' });
    expect((await http.post(`/v1/bookings/${free.id}/check-in`, {}, key())).body).toMatchObject({
      status: 'CHECKED_IN',
    });
    // Twice is the same answer, and nothing to write down.
    await http.post(`/v1/bookings/${free.id}/check-in`, {}, key());
    const steps = (await auditOf(free.id)).reverse().map(({ action, actor, before, after }) => {
      const [was, is] = [before, after] as ({ status: string; customer_id: string } | null)[];
      return [action, actor === operator.userId, was?.status ?? null, is?.status, is?.customer_id];
    });
    expect(steps).toEqual([
      ['create', true, null, 'HELD', ADA.userId],
      ['update', true, 'HELD', 'HELD', ADA.userId],
      ['update', true, 'HELD', 'CONFIRMED', ADA.userId],
      ['update', true, 'CONFIRMED', 'CHECKED_IN', ADA.userId],
    ]);

    const dear = await heldFor(ADA, operator);
    expect((await checkout.pay(dear)).status).toBe(202);
    expect((await checkout.cancel(dear)).body.status).toBe('CANCELLED');
    expect((await auditOf(dear.id)).map(({ before, after }) => [before, after].map(statusOf))).toEqual([
      ['PAYMENT_INITIATED', 'CANCELLED'],
      ['HELD', 'PAYMENT_INITIATED'],
      [undefined, 'HELD'],
    ]);
  });
});

const statusOf = (booking: object | null) => (booking as { status?: string } | null)?.status;

describe('who is no operator', () => {
  test('cannot book for anybody, not even by the name of an existing customer, and nothing is left behind', async () => {
    const event_id = await booking.poolEvent();
    const before = await booking.footprint();
    const body = { event_id, quantity: 1, customer_id: ADA.userId };
    expect(() => aHold(body, { caller: { ...aCustomer(), customer: ADA } })).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(await booking.footprint()).toEqual(before);
  });

  test('does not see, pay, extend or cancel what an operator booked for somebody else', async () => {
    const { id } = await heldFor(ADA, anOperator());
    const stranger = { as: 'customer' as const, userId: newId('usr'), headers: { 'idempotency-key': newId('req') } };
    const answers = await Promise.all([
      http.get(`/v1/bookings/${id}`, stranger),
      http.get(`/v1/bookings/${id}/history`, stranger),
      http.post(`/v1/bookings/${id}/pay`, { payment_method: 'pm_card_visa' }, stranger),
      http.post(`/v1/bookings/${id}/extend`, {}, stranger),
      http.post(`/v1/bookings/${id}/cancel`, { reason: 'because I can' }, stranger),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect((await http.post(`/v1/bookings/${id}/check-in`, {}, stranger)).status).toBe(403);
    expect(await auditOf(id)).toHaveLength(1);
  });

  test('leaves no audit row for what is done to the own booking', async () => {
    const held = await checkout.hold();
    await checkout.cancel(held);
    expect(await auditOf(held.id)).toEqual([]);
  });
});

test('an operator’s word alone names nobody: without the gateway’s the booking is refused', async () => {
  const event_id = await booking.poolEvent();
  const body = { event_id, quantity: 1, customer_id: newId('usr') };
  for (const caller of [anOperator(null), anOperator(ADA)]) {
    expect(() => aHold(body, { caller })).toThrow(
      expect.objectContaining({ options: { errors: [expect.objectContaining({ pointer: '/customer_id' })] } }),
    );
  }
});
