import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId, type ResourceId, type UserId } from '@holdfast/shared/ids';
import { aCustomer } from '../testing/booking-fixture.ts';
import { checkoutOver, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import {
  aSeries,
  DAY_MS,
  localIn,
  setupSeries,
  type SeriesFixture,
  type SeriesReply,
} from '../testing/series-fixture.ts';

let fixture: SeriesFixture;
let checkout: CheckoutFixture;
let resource: ResourceId;
let user: UserId;
let series: SeriesReply['body'];
const REASON = { reason: 'the season is over' };

beforeAll(async () => {
  fixture = await setupSeries();
  checkout = checkoutOver(fixture.booking);
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  await fixture.booking.database.setClockOffset(0);
  resource = await fixture.resource();
  user = fixture.customer();
  series = (await fixture.post('/v1/series', aSeries(resource), { user })).body;
});

const statusesOf = ({ body }: SeriesReply) => body.occurrences.map(({ booking }) => booking?.status ?? null);
const cancel = (body: object = {}, as: { user: UserId; as?: 'operator'; key?: string } = { user }) =>
  fixture.post(`/v1/series/${series.id}/cancel`, { ...REASON, ...body }, as);
const drop = (occurrence: string, as: { user: UserId; key?: string } = { user }) =>
  fixture.post(`/v1/series/${series.id}/exceptions`, { ...REASON, occurrence }, as);
const held = (index: number): Held => ({
  id: series.occurrences[index]!.booking!.id,
  caller: aCustomer(user),
  event: newId('evt'),
});

/** Pays an occurrence until its capture is under way; `tell` what came of it to go on. */
async function capturing(index: number): Promise<Held> {
  const booking = held(index);
  await checkout.pay(booking);
  expect(await checkout.tell(booking, 'authorised')).toBe(true);
  return booking;
}

async function confirmed(index: number): Promise<Held> {
  const booking = await capturing(index);
  expect(await checkout.tell(booking, 'captured')).toBe(true);
  return booking;
}

async function liveClaims(): Promise<number> {
  const { rows } = await fixture.booking.pool.query<{ n: number }>(
    'select count(*)::int as n from slot_claims where resource_id = $1 and released_at is null',
    [resource],
  );
  return rows[0]!.n;
}

/** What the events `cancelled` of the series say beside the booking, in the order of its occurrences. */
async function cancellationsTold(): Promise<{ occurrences?: number; told_with?: string }[]> {
  const { rows } = await fixture.booking.pool.query<{ data: { occurrences?: number; told_with?: string } }>(
    `select payload::jsonb -> 'data' as data
       from outbox o join bookings b on b.id = o.ordering_key
      where b.series_id = $1 and o.subject like 'booking.booking.%.cancelled' order by b.starts_at`,
    [series.id],
  );
  return rows.map(({ data: { occurrences, told_with } }) => ({
    ...(occurrences === undefined ? {} : { occurrences }),
    ...(told_with === undefined ? {} : { told_with }),
  }));
}

describe('when a series is cancelled', () => {
  test('everything that is still to come goes, its time is free, and what was unpaid is told in one message', async () => {
    const reply = await cancel();
    expect([reply.status, reply.body.status, reply.body.next_occurrence_at]).toEqual([200, 'ENDED', null]);
    expect(statusesOf(reply)).toEqual(Array<string>(8).fill('CANCELLED'));
    expect(await liveClaims()).toBe(0);
    const others = { told_with: series.occurrences[0]!.booking!.id };
    expect(await cancellationsTold()).toEqual([{ occurrences: 8 }, ...Array<object>(7).fill(others)]);
    expect(await checkout.history(held(0))).toEqual(['PENDING', 'PENDING HELD', 'HELD CANCELLED']);
    expect(await checkout.history(held(5))).toEqual(['PENDING', 'PENDING CANCELLED']);
    expect((await fixture.post('/v1/series', aSeries(resource), { user: fixture.customer() })).status).toBe(201);
  });

  test('a paid booking goes back with its refund by the policy of its purchase, through its saga', async () => {
    const paid = await confirmed(0);
    const reply = await cancel();
    expect(reply.status).toBe(200);
    expect(await checkout.state(paid)).toMatchObject({ status: 'CANCELLED', saga: 'REFUNDING' });
    const { rows } = await fixture.booking.pool.query<{ refund_amount: bigint; cancel_reason: string }>(
      'select refund_amount, cancel_reason from bookings where id = $1',
      [paid.id],
    );
    expect(rows[0]).toEqual({ refund_amount: 2400n, cancel_reason: REASON.reason });
  });

  test('one whose card was declined is cancelled through its saga as well', async () => {
    const declined = held(0);
    await checkout.pay(declined);
    await checkout.tell(declined, 'declined');
    expect(statusesOf(await cancel())).toEqual(Array<string>(8).fill('CANCELLED'));
    expect(await checkout.state(declined)).toMatchObject({ status: 'CANCELLED', saga: 'FAILED' });
    expect(await liveClaims()).toBe(0);
  });

  test('from an occurrence on, those before it stay', async () => {
    await confirmed(0);
    const reply = await cancel({ from: localIn(21) });
    expect(statusesOf(reply)).toEqual(['CONFIRMED', 'HELD', ...Array<string>(6).fill('CANCELLED')]);
    expect([reply.body.status, await liveClaims()]).toEqual(['ACTIVE', 2]);
  });

  test('what has begun stays as it is', async () => {
    await confirmed(0);
    await fixture.booking.database.advanceClock(8 * DAY_MS);
    expect(statusesOf(await cancel())[0]).toBe('CONFIRMED');
  });

  test('one that is being captured keeps the wish: 202, and the same key gets the final answer once it is known', async () => {
    const booking = await capturing(1);
    const reply = await cancel({}, { user, key: 'cancel-it' });
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([202, '1']);
    expect(statusesOf(reply)).toEqual([
      ...[
        'CANCELLED',
        'PAYMENT_INITIATED',
        'CANCELLED',
        'CANCELLED',
        'CANCELLED',
        'CANCELLED',
        'CANCELLED',
        'CANCELLED',
      ],
    ]);
    expect(reply.body.occurrences[1]!.booking!.cancel_requested_at).not.toBeNull();
    await checkout.tell(booking, 'captured');
    const final = await cancel({}, { user, key: 'cancel-it' });
    expect([final.status, final.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(statusesOf(final)[1]).toBe('CANCELLED');
    expect(await liveClaims()).toBe(0);
  });

  test('twice is the same answer, with the same key to the letter and with another one as well', async () => {
    const first = await cancel({}, { user, key: 'twice' });
    const again = await cancel({}, { user, key: 'twice' });
    expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
    const other = await cancel();
    expect({ ...other.body, server_now: '' }).toEqual({ ...first.body, server_now: '' });
    expect(await cancellationsTold()).toHaveLength(8);
  });

  test('others cannot, operators can; nonsense is refused', async () => {
    const stranger = fixture.customer();
    expect((await cancel({}, { user: stranger })).body.code).toBe('not_found');
    expect((await drop(localIn(7), { user: stranger })).body.code).toBe('not_found');
    expect((await fixture.post('/v1/series/ser_x/cancel', REASON, { user })).body.code).toBe('not_found');
    expect((await cancel({ reason: 'short' })).body.errors![0]!.pointer).toBe('/reason');
    expect((await cancel({ from: '2027-01-04T18:00Z' })).body.errors![0]!.pointer).toBe('/from');
    expect((await cancel({ all: true })).body.errors![0]!.pointer).toBe('/all');
    expect(await liveClaims()).toBe(4);
    expect((await cancel({}, { user: stranger, as: 'operator' })).status).toBe(200);
  });
});

describe('when one occurrence is dropped', () => {
  test.each([
    ['is held', 1, 3],
    ['waits', 5, 4],
  ])('one that %s is cancelled, the others stay, and twice is the same', async (_what, index, claims) => {
    const { occurrence } = series.occurrences[index]!;
    const expected = [...Array<string>(4).fill('HELD'), ...Array<string>(4).fill('PENDING')];
    expected[index] = 'CANCELLED';
    const reply = await drop(occurrence);
    expect([reply.status, statusesOf(reply)]).toEqual([200, expected]);
    expect(await liveClaims()).toBe(claims);
    expect(statusesOf(await drop(occurrence))).toEqual(expected);
    expect(await cancellationsTold()).toEqual([{}]);
  });

  test('a paid one gives its money back', async () => {
    const paid = await confirmed(2);
    expect(statusesOf(await drop(localIn(21)))[2]).toBe('CANCELLED');
    expect(await checkout.state(paid)).toMatchObject({ status: 'CANCELLED', saga: 'REFUNDING' });
  });

  test('one that was left out is no mistake, one that the rule does not have is', async () => {
    const other = await fixture.post('/v1/series', aSeries(await fixture.resource(), { exceptions: [localIn(14)] }), {
      user,
    });
    const at = (occurrence: string) =>
      fixture.post(`/v1/series/${other.body.id}/exceptions`, { ...REASON, occurrence }, { user });
    expect((await at(localIn(14))).status).toBe(200);
    const unknown = await at(localIn(15));
    expect([unknown.status, unknown.body.code, unknown.body.errors![0]!.pointer]).toEqual([
      ...[422, 'unknown_occurrence', '/occurrence'],
    ]);
  });

  test('one that has lapsed cannot be cancelled any more', async () => {
    await checkout.expireEverything();
    await fixture.booking.pool.query(
      `update bookings set hold_expires_at = clock.app_now() - interval '1 s' where id = $1`,
      [held(0).id],
    );
    await checkout.expireEverything();
    const reply = await drop(localIn(7));
    expect([reply.status, reply.body.code]).toEqual([409, 'not_cancellable']);
  });
});

describe('paying an occurrence', () => {
  test('adds the time for the payment to its hold, once, however long ago the series was accepted', async () => {
    await fixture.booking.database.advanceClock(86_400_000);
    const before = Date.parse(series.occurrences[0]!.booking!.hold_expires_at!);
    const { status, body } = await checkout.pay(held(0));
    expect([status, body.status]).toEqual([202, 'PAYMENT_INITIATED']);
    expect(Date.parse(body.hold_expires_at!) - before).toBe(900_000);
  });

  test('is refused while it waits', async () => {
    await expect(checkout.pay(held(5))).rejects.toMatchObject({ code: 'not_payable' });
  });
});
