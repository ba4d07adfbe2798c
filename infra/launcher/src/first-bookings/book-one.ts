import { ApiError, type ApiClient } from './api-client.ts';
import {
  momentsOf,
  timelineLines,
  type HistoryEntry,
  type Moment,
  type PaymentAttempt,
  type ReceivedMail,
} from './timeline.ts';

export interface BookingView {
  readonly id: string;
  readonly reference: string;
  readonly status: string;
  readonly seats: readonly string[];
  readonly quantity: number;
  readonly starts_at: string;
  readonly price: { readonly amount: number; readonly currency: string };
}

export interface BookedOne {
  readonly booking: BookingView;
  readonly lines: readonly string[];
  /** When it was CONFIRMED, in milliseconds since the epoch. */
  readonly confirmedAt: number;
}

export interface BookOneOptions {
  readonly mailUrl: string;
  readonly email: string;
  /** Signs the customer in. */
  readonly signIn: () => Promise<ApiClient>;
  /** Body of POST /v1/bookings; the slot is chosen by looking at what is free. */
  readonly hold: (api: ApiClient) => Promise<Record<string, unknown>>;
}

const PATIENCE_MS = 30_000;

/** One booking as a customer makes it: sign in, hold, pay, wait for the confirmation and for the mail. */
export async function bookOne(options: BookOneOptions): Promise<BookedOne> {
  const moments: Moment[] = [];
  const zero = Date.now();
  const note = (what: string) => moments.push({ at: Date.now(), source: 'client', what });

  const api = await options.signIn();
  note('signed in');
  const body = await options.hold(api);
  note('POST /v1/bookings');
  const held = await holdAnew(api, body);
  note(`answered ${held.status} ${held.reference}`);
  note('POST …/pay with pm_card_visa');
  const paid = await api.post<BookingView>(`/v1/bookings/${held.id}/pay`, { payment_method: 'pm_card_visa' });
  note(`answered ${paid.status}`);

  const booking = await until(
    `booking ${held.reference} to be CONFIRMED`,
    () => (paid.status === 'CONFIRMED' ? Promise.resolve(paid) : api.get<BookingView>(`/v1/bookings/${held.id}`)),
    (view) => view.status === 'CONFIRMED',
  );
  const mails = await until(
    `the mail to ${options.email} about ${held.reference}`,
    () => readMails(options.mailUrl, options.email),
    (list) => list.some((mail) => isAbout(mail, held.reference)),
  );
  const [history, payments] = await Promise.all([
    api.get<{ data: HistoryEntry[] }>(`/v1/bookings/${held.id}/history`),
    api.get<{ data: { attempts: PaymentAttempt[] }[] }>(`/v1/payments?booking_id=${held.id}`),
  ]);
  const mail = mails.find((one) => isAbout(one, held.reference)) as ReceivedMail;
  moments.push(...momentsOf(history.data, payments.data[0]?.attempts ?? [], mail));
  const confirmed = history.data.find((entry) => entry.to === 'CONFIRMED');
  return {
    booking,
    lines: timelineLines(moments, zero),
    confirmedAt: confirmed === undefined ? Date.now() : Date.parse(confirmed.at),
  };
}

/** Holds, and gives up holds of earlier tries of this demonstration customer when they are in the way. */
export async function holdAnew(api: ApiClient, body: Record<string, unknown>): Promise<BookingView> {
  try {
    return await api.post<BookingView>('/v1/bookings', body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'too_many_holds') throw error;
  }
  const { data } = await api.get<{ data: BookingView[] }>('/v1/bookings?status=HELD&limit=100');
  for (const { id } of data) {
    await api.post(`/v1/bookings/${id}/cancel`, { reason: 'Held by an earlier start and not paid' });
  }
  return api.post<BookingView>('/v1/bookings', body);
}

async function readMails(mailUrl: string, to: string): Promise<ReceivedMail[]> {
  const response = await fetch(`${mailUrl}/messages?to=${encodeURIComponent(to)}`, {
    signal: AbortSignal.timeout(5000),
  });
  if (!response.ok) throw new Error(`the mail catcher answered ${response.status}`);
  return ((await response.json()) as { messages: ReceivedMail[] }).messages;
}

const isAbout = (mail: ReceivedMail, reference: string) => `${mail.subject}\n${mail.text ?? ''}`.includes(reference);

/** Asks again every 20 ms until the answer will do. @throws after 30 s, naming what was waited for. */
async function until<T>(what: string, ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
