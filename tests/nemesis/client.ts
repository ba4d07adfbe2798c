import { randomUUID } from 'node:crypto';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { Answer } from '../support/api-client.ts';
import type { Customer } from '../support/customers.ts';
import { sha256Of, type CallKind, type Entry, type History } from './history.ts';
import type { Offer } from './offers.ts';
import type { Random } from './random.ts';

/** Half of all payments are made with a card that works: with more faults of its own the provider would be left alone most of the time. */
const GOOD = 'pm_card_visa';
const OTHER_METHODS = [
  'pm_card_mastercard',
  'pm_card_chargeDeclined',
  'pm_card_authenticationRequired',
  'pm_sim_timeout_applied',
  'pm_sim_500_applied',
  'pm_sim_timeout_applied_capture',
  'pm_sim_500_applied_refund',
  'pm_sim_slow_300',
  'pm_sim_slow_4000',
  'pm_sim_webhook_only_800',
  'pm_sim_webhook_never',
  'pm_sim_webhook_duplicate',
  'pm_sim_webhook_reordered',
] as const;

export interface Client {
  readonly number: number;
  readonly customer: Customer;
  readonly random: Random;
  readonly history: History;
  readonly offers: readonly Offer[];
  /** False from the end of the workload on: what is under way is brought to its end and nothing new is begun. */
  goesOn(): boolean;
  /** False when whoever still has no answer gives up. */
  hasPatience(): boolean;
}

/** Books, pays, extends, cancels and reads as chance has it, until the workload ends. */
export async function runClient(client: Client): Promise<void> {
  while (client.goesOn()) {
    await oneBooking(client);
    await pause(client.random.between(20, 200));
  }
}

async function oneBooking(client: Client): Promise<void> {
  const { random } = client;
  const offer = random.pick(client.offers);
  const held = await call<BookingJson>(client, {
    kind: 'hold',
    path: '/v1/bookings',
    body: offer.hold(random),
    booking: null,
  });
  if (held?.status !== 201) return;
  const id = held.body.id;
  const at = (kind: 'pay' | 'extend' | 'cancel', body: object) =>
    call<BookingJson>(client, { kind, path: `/v1/bookings/${id}/${kind}`, body, booking: id });
  const cancel = () => at('cancel', { reason: 'something else came up' });

  if (random.chance(0.1)) return;
  if (random.chance(0.25)) await at('extend', {});
  if (random.chance(0.1)) return void (await cancel());
  const payment_method = random.chance(0.5) ? GOOD : random.pick(OTHER_METHODS);
  if (random.chance(0.15)) {
    // Cancelled while the payment is under way: both calls are answered, and what was taken goes back.
    await Promise.all([at('pay', { payment_method }), pause(random.between(0, 300)).then(cancel)]);
  } else {
    const paid = await at('pay', { payment_method });
    if (paid?.status === 402 && random.chance(0.5)) await at('pay', { payment_method: GOOD });
    if (random.chance(0.3)) await cancel();
  }
  if (random.chance(0.5)) await call(client, { kind: 'read', path: `/v1/bookings/${id}`, body: null, booking: id });
}

interface Call {
  readonly kind: CallKind;
  readonly path: string;
  /** Null for a GET. */
  readonly body: object | null;
  readonly booking: string | null;
}

/**
 * Sends a call until there is an answer that is not "not now", with one key. Gives null when the client lost its patience: some do
 * after the first lost answer, and what became of the call stays unknown to them.
 */
async function call<T>(client: Client, { kind, path, body, booking }: Call): Promise<Answer<T> | null> {
  const { history, customer, random } = client;
  const key = body === null ? null : randomUUID();
  const givesUpAfter = random.chance(0.15) ? 1 : Infinity;
  const base = { client: client.number, call: history.newCall(), kind, path, key, body, booking };
  for (let attempt = 1; ; attempt += 1) {
    history.add({ ...base, type: 'invoke', attempt });
    const answer = await send<T>(customer, path, body, key);
    history.add({ ...base, ...answer.seen, attempt });
    if (answer.seen.type !== 'unknown') return answer.answer;
    if (attempt >= givesUpAfter || !client.hasPatience()) return null;
    await pause(random.between(100, 400));
  }
}

async function send<T>(customer: Customer, path: string, body: object | null, key: string | null) {
  const startedAt = performance.now();
  const took = () => Math.round(performance.now() - startedAt);
  try {
    const answer = await (body === null ? customer.api.get<T>(path) : customer.api.post<T>(path, body, { key }));
    const type = answer.status >= 500 ? 'unknown' : answer.status >= 400 ? 'fail' : 'ok';
    const seen = { type, status: answer.status, ms: took(), sha256: sha256Of(answer.text), ...shown(answer) } as const;
    return { answer, seen };
  } catch (error) {
    const cause = (error as Error).cause as { code?: string } | undefined;
    const seen = { type: 'unknown', ms: took(), error: cause?.code ?? (error as Error).name } as const;
    return { answer: null, seen };
  }
}

function shown(answer: Answer<unknown>): Pick<Entry, 'shows' | 'error'> {
  if (answer.status >= 400)
    return { error: (answer.body as { code?: string } | undefined)?.code ?? 'no problem document' };
  const { id, status, version } = answer.body as BookingJson;
  return { shows: { id, status, version, places: placesOf(answer.body as BookingJson) } };
}

/** What a booking takes that nobody else may have, in words; nothing for places without numbers. */
export function placesOf(booking: BookingJson): string[] {
  if (booking.inventory === 'slots') return [`${booking.resource_id} ${booking.starts_at} ${booking.ends_at}`];
  return booking.seats.map((seat) => `${booking.event_id} ${seat}`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
