import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { WaitlistEntryJson } from '@holdfast/shared/contracts/waitlist';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { until } from '@holdfast/shared/testing/until';
import { aCaller, createAssertedClient, type ApiClient } from '../support/api-client.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { holdAtOnce, statuses, type DirectHold } from '../support/hold-directly.ts';
import { brokenInvariants } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, type Stack } from '../support/stack.ts';

// Two booking processes, each with a loop that serves the waiting lines, and batches of holds that serve them as well.
let stack: Stack;
let admin: ApiClient;

beforeAll(async () => {
  stack = await startStack({ parts: ['booking', 'booking2'] });
  admin = createAssertedClient(stack.url('booking'), stack.internalSecret, aCaller({ role: 'admin' }));
}, 60_000);
afterEach(async () => {
  expect(await brokenInvariants(stack)).toEqual([]);
});
afterAll(() => stack?.stop());

/** A client of this caller at one booking process or the other. */
const clientOf = (caller: Caller, index: number) =>
  createAssertedClient(stack.url(index % 2 ? 'booking2' : 'booking'), stack.internalSecret, caller);

interface Owned {
  readonly id: string;
  readonly caller: Caller;
}

/** Holds all of these, each by a customer of its own. */
async function held(bodies: readonly object[]): Promise<Owned[]> {
  const holds: DirectHold[] = bodies.map((body) => ({ body, caller: aCaller() }));
  const answers = await holdAtOnce(stack, holds);
  expect(statuses(answers)).toEqual({ 201: bodies.length });
  return answers.map(({ body }, i) => ({ id: String(body['id']), caller: holds[i]!.caller! }));
}

/** Joins the line, one after the other and by turns at both processes. */
async function joined(bodies: readonly object[]): Promise<Owned[]> {
  const entries: Owned[] = [];
  for (const [i, body] of bodies.entries()) {
    const caller = aCaller();
    const answer = await clientOf(caller, i).post<WaitlistEntryJson>('/v1/waitlist', body);
    if (answer.status !== 201) throw new Error(`not joined: ${answer.text}`);
    entries.push({ id: answer.body.id, caller });
  }
  return entries;
}

const cancel = ({ id, caller }: Owned, index: number) =>
  clientOf(caller, index).post<BookingJson>(`/v1/bookings/${id}/cancel`, { reason: 'changed my mind about it' });

async function entryStatuses(entries: readonly Owned[]): Promise<string[]> {
  const rows = await query<{ id: string; status: string }>(
    stack,
    'select id, status from booking.waitlist_entries where id = any ($1)',
    [entries.map(({ id }) => id)],
  );
  return entries.map(({ id }) => rows.find((row) => row.id === id)!.status);
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

test('places that come back while a crowd walks by go to the line, in its order and once each', async () => {
  const event = await makePoolEvent(admin, { capacity: 20, numbered: true });
  const holders = await held(times(20, () => ({ event_id: event, quantity: 1 })));
  const line = await joined(times(24, () => ({ event_id: event, quantity: 1 })));

  const [walkIns, ...cancelled] = await Promise.all([
    holdAtOnce(
      stack,
      times(60, () => ({ body: { event_id: event, quantity: 1 } })),
    ),
    ...holders.map(cancel),
  ]);

  expect(cancelled.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(statuses(walkIns)).toEqual({ 409: 60 });
  await until('twenty offers', async () => (await entryStatuses(line)).filter((s) => s === 'OFFERED').length === 20);
  expect(await entryStatuses(line)).toEqual([
    ...Array<string>(20).fill('OFFERED'),
    ...Array<string>(4).fill('WAITING'),
  ]);
}, 60_000);

test('seats and times: while the line is served, some leave it, some give their offer back, and some walk by', async () => {
  const hall = await makeSeatsEvent(admin, { seats: 12 });
  const net = await makeResource(admin);
  const holders = await held([
    ...times(6, (i) => ({ event_id: hall, seats: [`A-${2 * i + 1}`, `A-${2 * i + 2}`] })),
    ...times(6, (i) => ({ resource_id: net, ...halfHours(1, i) })),
  ]);
  const line = await joined([
    ...times(8, () => ({ event_id: hall, quantity: 2 })),
    ...times(12, (i) => ({ resource_id: net, ...halfHours(1, i % 6) })),
  ]);

  await Promise.all([
    ...holders.map(cancel),
    ...line.slice(0, 3).map((one, i) => clientOf(one.caller, i).post(`/v1/waitlist/${one.id}/leave`, {})),
    ...line.slice(8, 11).map((one, i) => clientOf(one.caller, i).post(`/v1/waitlist/${one.id}/leave`, {})),
    holdAtOnce(
      stack,
      times(20, (i) => ({
        body: i % 2 ? { event_id: hall, seats: [`A-${(i % 12) + 1}`] } : { resource_id: net, ...halfHours(1, i % 6) },
      })),
    ),
  ]);

  // Five pairs still wait for six pairs of seats, and each time is wanted by somebody: whoever stayed is served.
  const stayed = [...line.slice(3, 8), ...line.slice(11, 14), ...line.slice(14, 17)];
  await until('everybody who stayed to be served', async () =>
    (await entryStatuses(stayed)).every((status) => status === 'OFFERED'),
  );
  expect(await entryStatuses([...line.slice(0, 3), ...line.slice(8, 11)])).toEqual(Array(6).fill('LEFT'));
}, 60_000);
