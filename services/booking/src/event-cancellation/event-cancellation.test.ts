import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventCancellationJson } from '@holdfast/shared/contracts/event-cancellation';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { availabilityRoutes } from '../availability/routes.ts';
import { eventRoutes } from '../catalogue/events/routes.ts';
import { previewCancellation } from '../bookings/preview-cancellation.ts';
import { completeEndedBookings } from '../tickets/complete-ended-bookings.ts';
import { ticketRoutes } from '../tickets/routes.ts';
import { aCustomer, aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { serveRoutes, type HttpFixture, type RequestOptions } from '../testing/http-fixture.ts';
import { takeTurn } from './cancellation-store.ts';
import { BATCH, TURN_SECONDS, driveCancellations } from './drive-cancellations.ts';
import { eventCancellationRoutes } from './routes.ts';

const REASON = 'the hall is flooded';
const logger = createLogger({ service: 'booking-test', level: 'silent' });

let booking: BookingFixture;
let checkout: CheckoutFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  http = await serveRoutes(
    eventCancellationRoutes({ pool: booking.pool }),
    ticketRoutes({ pool: booking.pool, watch: checkout.watch }),
    eventRoutes({ pool: booking.pool, logger, quoting: false }),
    availabilityRoutes({ pool: booking.pool }),
    auditRoutes(booking.pool, 'booking'),
  );
});
afterAll(async () => {
  await http.stop();
  await booking.stop();
});

async function hold(event: EventId, quantity = 1): Promise<Held | { refused: string }> {
  const caller = aCustomer();
  const [result] = await booking.settle(aHold({ event_id: event, quantity }, { caller }));
  if (result?.kind !== 'answered') return { refused: result?.kind === 'refused' ? result.refusal.code : 'unknown' };
  return { id: (JSON.parse(result.answer.body) as { id: BookingId }).id, caller, event };
}

async function held(event: EventId): Promise<Held> {
  const result = await hold(event);
  if ('refused' in result) throw new Error(result.refused);
  return result;
}

/** Held in batches, as the service does. */
async function holdMany(event: EventId, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 90) {
    const commands = Array.from({ length: Math.min(90, left) }, () => aHold({ event_id: event, quantity: 1 }));
    const results = await booking.settle(...commands);
    if (results.some((result) => result.kind !== 'answered')) throw new Error('not held');
  }
}

async function confirmed(event: EventId): Promise<Held> {
  const one = await held(event);
  await checkout.pay(one);
  await checkout.tell(one, 'authorised');
  await checkout.tell(one, 'captured');
  return one;
}

async function cancelEvent(event: EventId, options: RequestOptions = {}, body: object = { reason: REASON }) {
  const reply = await http.post(`/v1/events/${event}/cancel`, body, options);
  return {
    status: reply.status,
    headers: reply.headers,
    body: reply.body as unknown as EventCancellationJson & { code: string },
  };
}

async function progress(event: EventId): Promise<EventCancellationJson> {
  return (await http.get(`/v1/events/${event}/cancellation`, { as: 'operator' }))
    .body as unknown as EventCancellationJson;
}

/** A second later, as often as it takes until nothing is due; `processes` go at it side by side. */
async function drive(processes = 1): Promise<number> {
  let cancelled = 0;
  for (;;) {
    await booking.database.advanceClock(1_000);
    const rounds = await Promise.all(
      Array.from({ length: processes }, () =>
        driveCancellations({ pool: booking.pool, watch: checkout.watch, onCommit, logger }),
      ),
    );
    cancelled += rounds.reduce((sum, round) => sum + round.cancelled, 0);
    if (rounds.every(({ more }) => !more)) return cancelled;
  }
}

async function refundOf(one: Held): Promise<unknown> {
  const { rows } = await booking.pool.query<{ refund: unknown }>(
    `select json_build_object('status', status, 'refund', refund_amount) as refund from bookings where id = $1`,
    [one.id],
  );
  return rows[0]!.refund;
}

describe('when an event is cancelled', () => {
  test('its JSON, its availability and the audit log say so at once, once, with who and why', async () => {
    const event = await booking.poolEvent({ capacity: 20 });
    await confirmed(event);
    const before = await http.get(`/v1/events/${event}`);
    const free = await http.get(`/v1/events/${event}/availability`);
    expect(before.body).toMatchObject({ cancelled_at: null });
    expect(free.body.counts).toEqual({ available: 19, locked: 0, booked: 1 });

    const admin = newId('usr');
    await cancelEvent(event, { userId: admin });
    const after = await http.get(`/v1/events/${event}`, {
      headers: { 'if-none-match': before.headers.get('etag')! },
    });
    expect(after).toMatchObject({ status: 200, body: { version: 2, cancelled_at: expect.any(String) } });
    const closed = await http.get(`/v1/events/${event}/availability`, {
      headers: { 'if-none-match': free.headers.get('etag')! },
    });
    expect(closed.body.counts).toEqual({ available: 0, locked: 19, booked: 1 });

    await cancelEvent(event, { userId: admin });
    const audit = await http.get(`/internal/audit?entity=${event}`, { as: 'operator' });
    expect(audit.body.data).toEqual([
      expect.objectContaining({
        action: 'cancel',
        actor: admin,
        reason: REASON,
        entity: { kind: 'event', id: event },
        before: before.body,
        after: after.body,
      }),
    ]);
    await drive();
    await booking.database.setClockOffset(0);
  });

  test('nobody holds it any more, and every booking ends with everything back, whatever the policy says', async () => {
    // An hour before the start the policy gives nothing back.
    const event = await booking.poolEvent({ startsInHours: 1 });
    const [waiting, paying, done, inside] = [
      await held(event),
      await held(event),
      await confirmed(event),
      await confirmed(event),
    ];
    await checkout.pay(paying);
    await http.post(`/v1/bookings/${inside.id}/check-in`, {});

    const answer = await cancelEvent(event);
    expect(answer).toMatchObject({ status: 202, body: { state: 'RUNNING', total: 4, done: 0, failed: 0 } });
    expect(answer.headers.get('location')).toBe(`/v1/events/${event}/cancellation`);
    expect(await hold(event)).toEqual({ refused: 'event_cancelled' });

    expect(await drive()).toBe(4);
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 4, done: 4, failed: 0, reason: REASON });
    expect(await refundOf(waiting)).toEqual({ status: 'CANCELLED', refund: null });
    expect(await refundOf(paying)).toEqual({ status: 'CANCELLED', refund: null });
    expect((await checkout.state(paying)).saga).toBe('VOIDING');
    for (const one of [done, inside]) {
      expect(await refundOf(one)).toEqual({ status: 'CANCELLED', refund: 1500 });
      expect((await checkout.state(one)).saga).toBe('REFUNDING');
      await checkout.tell(one, 'refunded', { attempt: null });
      expect(await refundOf(one)).toEqual({ status: 'REFUNDED', refund: 1500 });
    }
    const { rows } = await booking.pool.query('select claimed from events where id = $1', [event]);
    expect(rows).toEqual([{ claimed: 0 }]);
  });

  test('a booking that is being captured is cancelled in full when its capture is known', async () => {
    const event = await booking.poolEvent({ startsInHours: 1 });
    const [plain, wished] = [await held(event), await held(event)];
    for (const one of [plain, wished]) {
      await checkout.pay(one);
      await checkout.tell(one, 'authorised');
    }
    // Its customer gave it up before, under a policy that gives nothing back.
    expect((await checkout.cancel(wished)).status).toBe(202);
    await cancelEvent(event);
    await booking.database.advanceClock(1_000);
    await driveCancellations({ pool: booking.pool, watch: checkout.watch, onCommit, logger });
    expect(await progress(event)).toMatchObject({ state: 'RUNNING', total: 2, done: 0 });

    for (const one of [plain, wished]) await checkout.tell(one, 'captured');
    expect(await refundOf(plain)).toEqual({ status: 'CANCELLED', refund: 1500 });
    expect(await refundOf(wished)).toEqual({ status: 'CANCELLED', refund: 1500 });
    await drive();
    expect(await progress(event)).toMatchObject({ state: 'DONE', done: 2 });
  });

  test('a customer who is quicker than the job gets everything back as well, and is shown that', async () => {
    const event = await booking.poolEvent({ startsInHours: 1 });
    const one = await confirmed(event);
    await cancelEvent(event);
    expect(await previewCancellation(booking.pool, one.caller, one.id)).toMatchObject({
      percent: 100,
      refundable: { amount: 1500 },
    });
    expect((await checkout.cancel(one)).body).toMatchObject({ refund: { amount: { amount: 1500 } } });
    await drive();
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 1, done: 1 });
  });

  test('its bookings are neither let in nor completed before the job has come to them', async () => {
    const event = await booking.poolEvent({ startsInHours: 1 });
    const one = await confirmed(event);
    await cancelEvent(event);
    expect((await http.post(`/v1/bookings/${one.id}/check-in`, {})).body.code).toBe('not_checkable');
    expect((await http.post(`/v1/bookings/${one.id}/complete`, {})).body.code).toBe('not_completable');
    await booking.database.advanceClock(4 * 3_600_000);
    await completeEndedBookings({ pool: booking.pool, watch: checkout.watch });
    expect((await checkout.state(one)).status).toBe('CONFIRMED');
    await drive();
    expect(await refundOf(one)).toEqual({ status: 'CANCELLED', refund: 1500 });
    await booking.database.setClockOffset(0);
  });

  test('twice is the same answer, a key gives its stored one and then once the final one', async () => {
    const event = await booking.poolEvent();
    await held(event);
    const options = { userId: newId('usr'), headers: { 'idempotency-key': 'flood-1' } };
    const first = await cancelEvent(event, options);
    expect((await cancelEvent(event)).body).toEqual(first.body);
    expect((await cancelEvent(event, options)).headers.get('idempotent-replayed')).toBe('true');
    expect((await cancelEvent(event, options, { reason: 'another reason' })).body.code).toBe('idempotency_key_reused');
    await drive();
    const final = await cancelEvent(event, options);
    expect(final).toMatchObject({ status: 200, body: { state: 'DONE', done: 1 } });
    expect((await cancelEvent(event, options)).body).toEqual(final.body);
  });

  test('an event without bookings is done at once; strangers, wrong bodies and ended events are refused', async () => {
    const event = await booking.poolEvent();
    expect((await cancelEvent(event, { as: 'operator' })).body.code).toBe('forbidden');
    expect((await cancelEvent(event, {}, { reason: 'short' })).body.code).toBe('validation_failed');
    expect((await cancelEvent(event, {}, { reason: REASON, refund: 50 })).body.code).toBe('validation_failed');
    expect((await cancelEvent(newId('evt'))).body.code).toBe('not_found');
    expect((await http.get(`/v1/events/${event}/cancellation`, { as: 'operator' })).body.code).toBe('not_found');
    expect(await cancelEvent(event)).toMatchObject({ status: 200, body: { state: 'DONE', total: 0 } });
    expect((await cancelEvent(await booking.poolEvent({ startsInHours: -5 }))).body.code).toBe('event_over');
  });
});

describe('while others are at it', () => {
  test('holds and payments that race with the cancellation leave no live booking and no claim', async () => {
    const event = await booking.poolEvent({ capacity: 200 });
    const paying = await Promise.all(Array.from({ length: 8 }, () => held(event)));
    for (const one of paying) {
      await checkout.pay(one);
      await checkout.tell(one, 'authorised');
    }
    const [, ...holds] = await Promise.all([
      cancelEvent(event),
      ...Array.from({ length: 20 }, () => hold(event)),
      ...paying.map((one) => checkout.tell(one, 'captured')),
      drive(3),
    ]);
    await drive(3);
    const refused = (holds as unknown[]).filter((one) => typeof one === 'object' && one !== null && 'refused' in one);
    for (const one of refused) expect(one).toEqual({ refused: 'event_cancelled' });
    const { rows } = await booking.pool.query(
      `select status, count(*)::int as n, sum(refund_amount)::int as back, max(claimed) as claimed
         from bookings b join events e on e.id = b.event_id
        where event_id = $1 group by status`,
      [event],
    );
    expect(rows).toEqual([{ status: 'CANCELLED', n: 8 + 20 - refused.length, back: 8 * 1500, claimed: 0 }]);
    expect(await progress(event)).toMatchObject({ state: 'DONE', done: 28 - refused.length, failed: 0 });
  });

  test('of ten who cancel it at once one does, and all get its answer', async () => {
    const event = await booking.poolEvent();
    await held(event);
    const answers = await Promise.all(Array.from({ length: 10 }, () => cancelEvent(event)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 202, body: { total: 1 } });
    await drive();
  });

  test('several processes share the batches and cancel each booking once', async () => {
    const event = await booking.poolEvent({ capacity: 500 });
    await holdMany(event, 100);
    await cancelEvent(event);
    expect(await drive(3)).toBe(100);
    const { rows } = await booking.pool.query(
      `select count(*)::int as cancelled from booking_history h join bookings b on b.id = h.booking_id
        where b.event_id = $1 and h.to_status = 'CANCELLED'`,
      [event],
    );
    expect(rows).toEqual([{ cancelled: 100 }]);
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 100, done: 100 });
  });

  test('the pace holds for all processes together, and a second of missed turns is caught up', async () => {
    const event = await booking.poolEvent();
    await held(event);
    await cancelEvent(event);
    const turnsIn = async (): Promise<number> => {
      const turns = await Promise.all(
        Array.from({ length: 40 }, () => withTransaction(booking.pool, (tx) => takeTurn(tx, 60))),
      );
      return turns.filter((turn) => turn !== null).length;
    };
    expect(await turnsIn()).toBe(1);
    await booking.database.advanceClock(59_000);
    expect(await turnsIn()).toBe(0);
    await booking.database.advanceClock(600_000);
    expect(await turnsIn()).toBe(1);
    expect(BATCH / TURN_SECONDS).toBe(300);
    await booking.pool.query('update event_cancellations set next_batch_at = clock.app_now() where event_id = $1', [
      event,
    ]);
    expect(await drive()).toBe(1);
    await booking.database.setClockOffset(0);
  });

  test('one that cannot be cancelled is tried again, given up on, shown, and taken up with the next call', async () => {
    const event = await booking.poolEvent();
    const [good, bad] = [await confirmed(event), await confirmed(event)];
    // A saga that has ended ignores the cancellation.
    await booking.pool.query(`update checkout_sagas set state = 'CLOSED' where booking_id = $1`, [bad.id]);
    await cancelEvent(event);
    for (let tries = 0; tries < 10; tries += 1) {
      await booking.database.advanceClock(60_000);
      await drive();
    }
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 2, done: 1, failed: 1 });
    expect(await refundOf(good)).toMatchObject({ status: 'CANCELLED' });
    expect(await refundOf(bad)).toMatchObject({ status: 'CONFIRMED' });
    await booking.pool.query(`update checkout_sagas set state = 'CONFIRMED' where booking_id = $1`, [bad.id]);
    expect((await cancelEvent(event)).body).toMatchObject({ state: 'RUNNING', done: 1, failed: 0 });
    await drive();
    expect(await progress(event)).toMatchObject({ state: 'DONE', done: 2, failed: 0 });
    await booking.database.setClockOffset(0);
  });
});
