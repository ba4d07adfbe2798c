import { join } from 'node:path';
import { holdAnew, type BookingView } from '../first-bookings/book-one.ts';
import { ensureDemoCatalogue, forgetEvent } from '../first-bookings/demo-catalogue.ts';
import { DEMO_CUSTOMERS, signInOrRegister } from '../first-bookings/demo-users.ts';
import { ApiError, type ApiClient } from '../first-bookings/api-client.ts';
import { readSecrets } from '../secrets.ts';
import { isStackRunning, readState } from '../stack-state.ts';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Report } from './report.ts';
import { bold, table } from './table.ts';
import { SCENES, type Scene } from './trigger-scenes.ts';

/** The development stack of this checkout, with what a demonstration needs of it. */
export interface Stage {
  readonly gatewayUrl: string;
  readonly mailUrl: string;
  readonly dataDir: string;
  readonly customerPassword: string;
}

interface Paid extends BookingView {
  readonly payment: { readonly status: string; readonly next_action?: { readonly redirect_url: string } | null } | null;
}

/** How often, and how long at most, it is looked whether a booking is where its scene ends. */
const LOOK_MS = 100;
const PATIENCE_MS = 20_000;

/**
 * The stage of this checkout. @throws CommandError unless a whole stack runs from it against the provider simulator: what a scene does
 * must never reach a real provider or real customers.
 */
export async function findStage(dataDir: string): Promise<Stage> {
  const state = readState(dataDir);
  const processes = isStackRunning(state) && state.isUp ? state.processes : {};
  const secrets = readSecrets(dataDir);
  if (!processes.gateway || !processes.mail || secrets === undefined) {
    throw new CommandError('trigger needs the stack of this checkout; npm start starts it.', EXIT.unreachable);
  }
  if (!processes.provider || !(await isSimulator(processes.provider.url))) {
    throw new CommandError(
      'trigger works against the provider simulator alone, and this stack has none.',
      EXIT.refused,
    );
  }
  const { customerPassword } = secrets;
  return { gatewayUrl: processes.gateway.url, mailUrl: processes.mail.url, dataDir, customerPassword };
}

async function isSimulator(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/simulator/rules`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

/** The scene of a name; without one, what there is. @throws CommandError for a name that there is not. */
export function sceneOf(operands: readonly string[]): Scene | Report {
  const [name, ...more] = operands;
  if (name === undefined) {
    const rows = Object.entries(SCENES).map(([each, { shows }]) => [each, shows]);
    return {
      json: { scenes: rows.map(([each, shows]) => ({ name: each, shows })) },
      lines: table(['scene', 'shows'], rows),
    };
  }
  if (more.length > 0 || !Object.hasOwn(SCENES, name)) {
    throw new CommandError(`trigger takes one of ${Object.keys(SCENES).join(', ')}`, EXIT.usage);
  }
  return SCENES[name]!;
}

/** Plays a scene with a customer of the demonstration, tells each step to `say`, and reports what to look at next. */
export async function play(scene: Scene, stage: Stage, admin: ApiClient, say: (line: string) => void): Promise<Report> {
  const who = { ...DEMO_CUSTOMERS[0], password: stage.customerPassword };
  const api = await signInOrRegister(stage.gatewayUrl, who);
  const held = await hold(api, admin, stage.dataDir);
  say(`${who.name} holds ${held.reference}`);
  say(`pays with ${scene.method}`);
  const answer = await pay(api, held, scene.method);
  say(`answered ${answer.text}`);
  if (scene.cancels === true) {
    await until(api, held, 'CONFIRMED');
    await api.post(`/v1/bookings/${held.id}/cancel`, { reason: 'A scene of holdfast trigger' });
    say('cancels it');
  }
  const booking = await until(api, held, scene.ends);
  say(`the booking is ${booking.status}`);
  const next = [
    ...(answer.page === undefined ? [] : [answer.page]),
    `npm run -s holdfast -- explain ${booking.reference}`,
    `npm run -s holdfast -- payments ${booking.reference}`,
    ...(scene.mails ? [stage.mailUrl] : []),
  ];
  return {
    json: {
      booking: { id: booking.id, reference: booking.reference, status: booking.status },
      answered: answer.text,
      next,
    },
    lines: [
      `${bold(booking.reference)}  ${booking.status}  ${scene.shows}`,
      'Look at:',
      ...next.map((each) => `  ${each}`),
    ],
  };
}

/** One place of the demonstration's ride, of a new one when that is sold out. */
async function hold(api: ApiClient, admin: ApiClient, dataDir: string): Promise<BookingView> {
  const idsFile = join(dataDir, 'demo.json');
  const once = async () =>
    holdAnew(api, { event_id: (await ensureDemoCatalogue(admin, idsFile)).poolEventId, quantity: 1 });
  try {
    return await once();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'inventory_unavailable') throw error;
  }
  forgetEvent(idsFile, 'poolEventId');
  return once();
}

/** What a customer reads, and the provider's page where there is one. A refused payment is an outcome here. */
async function pay(api: ApiClient, { id }: BookingView, method: string): Promise<{ text: string; page?: string }> {
  try {
    const { status, payment } = await api.post<Paid>(`/v1/bookings/${id}/pay`, { payment_method: method });
    const text = status === 'CONFIRMED' ? status : `${status}, payment ${payment?.status ?? 'unknown'}`;
    const page = payment?.next_action?.redirect_url;
    return page === undefined ? { text } : { text, page };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'payment_declined') return { text: error.code };
    throw error;
  }
}

async function until(api: ApiClient, { id, reference }: BookingView, status: string): Promise<BookingView> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const booking = await api.get<BookingView>(`/v1/bookings/${id}`);
    if (booking.status === status) return booking;
    if (Date.now() > deadline) {
      throw new CommandError(
        `${reference} is ${booking.status} after ${PATIENCE_MS / 1_000} s, not ${status}; explain ${reference} says why`,
        EXIT.refused,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
