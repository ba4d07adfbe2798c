import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { ADMIN, INTERNAL_SECRET, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let ann: Awaited<ReturnType<TestGateway['signUp']>>;
let bob: Awaited<ReturnType<TestGateway['signUp']>>;
let admin: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  [ann, bob] = [await gateway.signUp('Ann'), await gateway.signUp('Bob')];
  admin = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});
afterAll(() => gateway.stop());
beforeEach(() => {
  gateway.booking.seen.length = 0;
  gateway.booking.behave((request) => {
    const { commands } = JSON.parse(request.body.toString()) as { commands: unknown[] };
    return { body: JSON.stringify({ answers: commands.map(() => ({ status: 201, headers: {}, body: '{}' })) }) };
  });
});

const hold = (token: string, body: object) =>
  gateway.call('/v1/bookings', { token, headers: { 'idempotency-key': newId('req') }, body });
const toldBooking = () => {
  const [seen] = gateway.booking.seen;
  const [command] = (JSON.parse(seen!.body.toString()) as { commands: { assertion: string }[] }).commands;
  return verifyAssertion(INTERNAL_SECRET, command!.assertion);
};

describe('a booking for a customer', () => {
  test('goes on with the customer’s account as the gateway knows it, under the operator’s name', async () => {
    expect((await hold(admin, { customer_id: ann.userId })).status).toBe(201);
    expect(toldBooking()).toMatchObject({
      role: 'admin',
      email: ADMIN.email,
      customer: { userId: ann.userId, email: ann.email, name: 'Ann' },
    });
  });

  test('says nothing of a customer when none is named', async () => {
    await hold(admin, {});
    expect(toldBooking()).not.toHaveProperty('customer');
  });

  test('is refused to a customer, for whomever it is, and booking does not hear of it', async () => {
    for (const customer_id of [ann.userId, bob.userId, newId('usr'), 7]) {
      const { status, json } = await hold(bob.access, { customer_id });
      expect([status, json.code]).toEqual([403, 'forbidden']);
    }
    expect(gateway.booking.seen).toEqual([]);
  });

  test.each([
    ['nobody’s id', newId('usr')],
    ['no id', 'ann'],
    ['null', null],
  ])('with %s is refused with a pointer', async (_what, customer_id) => {
    const { status, json } = await hold(admin, { customer_id });
    expect([status, json.errors[0]?.pointer]).toEqual([422, '/customer_id']);
    expect(gateway.booking.seen).toEqual([]);
  });
});

describe('GET /v1/users', () => {
  const find = (token: string | undefined, query: string) =>
    gateway.call(`/v1/users${query}`, token === undefined ? {} : { token });

  test('finds a customer by address, however it is spelt', async () => {
    const { status, json } = await find(admin, `?email=${encodeURIComponent(ann.email.toUpperCase())}`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ object: 'list', has_more: false, next_cursor: null });
    expect(json.data).toEqual([expect.objectContaining({ id: ann.userId, email: ann.email, role: 'customer' })]);
    expect(JSON.stringify(json)).not.toContain('password');
  });

  test('finds nobody for an address without an account', async () => {
    expect((await find(admin, '?email=nobody@example.com')).json.data).toEqual([]);
  });

  test('is for operators, and wants an address', async () => {
    expect((await find(undefined, `?email=${ann.email}`)).status).toBe(401);
    expect((await find(bob.access, `?email=${ann.email}`)).status).toBe(403);
    expect((await find(admin, '')).status).toBe(422);
    expect((await find(admin, `?email=${ann.email}&name=x`)).status).toBe(422);
  });
});
