import type { Entry } from './history.ts';

/** A booking as the API shows it after everything has been healed. */
export interface FinalBooking {
  readonly id: string;
  readonly reference: string;
  readonly status: string;
  readonly version: number;
  readonly customerEmail: string;
  /** What nobody else may have, see `placesOf`. */
  readonly places: readonly string[];
  /** Every status it ever had, oldest first. */
  readonly statuses: readonly string[];
}

/** The answer to a call that was sent once more, with its key, after everything has been healed. */
export interface Replay {
  readonly call: number;
  readonly status: number;
  readonly sha256: string;
  readonly replayed: boolean;
}

export interface Charge {
  readonly booking: string;
  readonly captures: number;
}

export interface SentMail {
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
}

/** What the three witnesses say: the clients' account, what their bookings are now, the provider's journal and the mail server's. */
export interface Evidence {
  readonly entries: readonly Entry[];
  readonly bookings: ReadonlyMap<string, FinalBooking>;
  readonly replays: readonly Replay[];
  readonly charges: readonly Charge[];
  readonly mails: readonly SentMail[];
}

const LIVE = new Set(['HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN']);
const STANDS = new Set(['CONFIRMED', 'CHECKED_IN', 'COMPLETED']);
const GIVEN_BACK = new Set(['CANCELLED', 'REFUNDED']);

/** Everything in which the witnesses contradict each other, in words; an empty list is a kept promise. */
export function judgeHistory(evidence: Evidence): string[] {
  return [
    ...whatWasAcknowledged(evidence),
    ...whatWasRefused(evidence),
    ...placesGivenTwice(evidence),
    ...timeTurnedBack(evidence),
    ...answersThatChanged(evidence),
    ...chargesOfNobody(evidence),
    ...wrongMails(evidence),
  ];
}

/** Nothing acknowledged is lost (G3). */
function whatWasAcknowledged({ entries, bookings }: Evidence): string[] {
  const cancelled = new Set(entries.filter(({ kind }) => kind === 'cancel').map(({ booking }) => booking));
  return entries.flatMap((entry) => {
    if (entry.type !== 'ok' || entry.kind === 'refresh' || entry.shows === undefined) return [];
    const id = entry.shows.id;
    const now = bookings.get(id);
    const said = `call ${entry.call} (${entry.kind}) was answered ${entry.status} for ${id}`;
    if (now === undefined) return [`${said}, and there is no such booking`];
    if (entry.kind === 'hold' && !now.statuses.includes('HELD')) return [`${said}, and it was never held`];
    if (entry.kind === 'pay' && entry.status === 200) {
      if (!now.statuses.includes('CONFIRMED')) return [`${said}, and it was never confirmed`];
      if (!STANDS.has(now.status) && !cancelled.has(id))
        return [`${said}, and it is ${now.status} though nobody cancelled`];
    }
    if (entry.kind === 'cancel' && entry.status === 200 && !GIVEN_BACK.has(now.status))
      return [`${said}, and it is ${now.status}`];
    if (now.version < entry.shows.version)
      return [`${said} in version ${entry.shows.version}, and it has ${now.version}`];
    return [];
  });
}

/** A hold that was refused for good made no booking: else its client would pay for what it does not know. */
function whatWasRefused({ entries, bookings }: Evidence): string[] {
  const known = new Set(entries.flatMap(({ shows }) => (shows === undefined ? [] : [shows.id])));
  const open = entries.filter(({ kind, type }) => kind === 'hold' && type === 'invoke');
  const decided = new Set(entries.filter(({ type }) => type === 'ok' || type === 'fail').map(({ call }) => call));
  const unknown = new Set(open.filter(({ call }) => !decided.has(call)).map(({ call }) => call));
  const unexplained = [...bookings.keys()].filter((id) => !known.has(id));
  if (unexplained.length <= unknown.size) return [];
  return [
    `${unexplained.length} bookings that no client was told of, and only ${unknown.size} holds without an answer: ${unexplained.join(', ')}`,
  ];
}

/** No place is sold twice (G1), as customers see it. */
function placesGivenTwice({ bookings }: Evidence): string[] {
  const holder = new Map<string, string>();
  const slots = new Map<string, { from: number; to: number; id: string }[]>();
  const twice: string[] = [];
  for (const { id, status, places } of bookings.values()) {
    if (!LIVE.has(status)) continue;
    for (const place of places) {
      const other = holder.get(place);
      if (other !== undefined) twice.push(`${place} belongs to ${other} and to ${id}`);
      holder.set(place, id);
      const [thing, starts, ends] = place.split(' ') as [string, string, string?];
      if (ends === undefined) continue;
      const [from, to] = [Date.parse(starts), Date.parse(ends)];
      const taken = slots.get(thing) ?? [];
      for (const each of taken) {
        if (each.from < to && from < each.to && other === undefined)
          twice.push(`${thing}: ${each.id} and ${id} overlap`);
      }
      slots.set(thing, [...taken, { from, to, id }]);
    }
  }
  return twice;
}

/** What one client was shown of a booking never goes back in time. Calls side by side have no order, so only later ones count. */
function timeTurnedBack({ entries }: Evidence): string[] {
  const seen = new Map<string, { at: number; version: number }[]>();
  const invokedAt = new Map<string, number>();
  const back: string[] = [];
  for (const entry of entries) {
    const attempt = `${entry.call} ${entry.attempt}`;
    if (entry.type === 'invoke') invokedAt.set(attempt, entry.at);
    // A stored answer is what was true when it was given.
    if (entry.type !== 'ok' || entry.shows === undefined || entry.kind !== 'read') {
      if (entry.type === 'ok' && entry.shows !== undefined)
        remember(seen, entry.shows.id, entry.at, entry.shows.version);
      continue;
    }
    const { id, version } = entry.shows;
    const before = (seen.get(id) ?? []).filter(({ at }) => at < invokedAt.get(attempt)!);
    const newest = Math.max(0, ...before.map((each) => each.version));
    if (version < newest) back.push(`call ${entry.call} was shown version ${version} of ${id} after version ${newest}`);
    remember(seen, id, entry.at, version);
  }
  return back;
}

function remember(seen: Map<string, { at: number; version: number }[]>, id: string, at: number, version: number): void {
  seen.set(id, [...(seen.get(id) ?? []), { at, version }]);
}

/** The same key is the same answer, to the letter; a 202 may have become the final one. */
function answersThatChanged({ entries, replays }: Evidence): string[] {
  const first = new Map(entries.filter(({ type }) => type === 'ok').map((entry) => [entry.call, entry]));
  return replays.flatMap(({ call, status, sha256, replayed }) => {
    const entry = first.get(call)!;
    const what = `call ${call} (${entry.kind} of ${entry.shows?.id}) was answered ${entry.status} and, asked again, ${status}`;
    if (entry.status === 202) return [200, 202, 402, 409].includes(status) ? [] : [what];
    if (status !== entry.status) return [what];
    if (sha256 !== entry.sha256) return [`${what} with another body`];
    return replayed ? [] : [`${what} as if it were new`];
  });
}

/** Money is only ever taken for a booking that is there, and once (G2). */
function chargesOfNobody({ charges, bookings }: Evidence): string[] {
  return charges.flatMap(({ booking, captures }) => [
    ...(bookings.has(booking) ? [] : [`the provider charged for ${booking}, which is not there`]),
    ...(captures > 1 ? [`the provider captured ${captures} times for ${booking}`] : []),
  ]);
}

/** Who has a booking was told so, once; nobody else was. */
function wrongMails({ bookings, mails }: Evidence): string[] {
  const byReference = new Map([...bookings.values()].map((booking) => [booking.reference, booking]));
  const wrong: string[] = [];
  const told = new Map<string, Set<string>>();
  for (const { to, subject, messageId } of mails) {
    const match = /^Booking (BK\S+) (confirmed|cancelled|failed):/.exec(subject);
    if (match === null) continue;
    const [, reference, fact] = match as unknown as [string, string, string];
    const booking = byReference.get(reference);
    const status = fact.toUpperCase();
    if (booking === undefined) wrong.push(`a mail to ${to} tells of ${reference}, which is not there`);
    else if (booking.customerEmail !== to) wrong.push(`${to} was told of ${reference} of ${booking.customerEmail}`);
    else if (!booking.statuses.includes(status))
      wrong.push(`${to} was told that ${reference} is ${fact}, which it never was`);
    const ids = told.get(`${reference} ${fact}`) ?? new Set();
    told.set(`${reference} ${fact}`, ids.add(messageId));
  }
  for (const { reference, statuses } of byReference.values()) {
    const count = told.get(`${reference} confirmed`)?.size ?? 0;
    if (statuses.includes('CONFIRMED') && count === 0) wrong.push(`nobody was told that ${reference} is confirmed`);
  }
  // One that is sent again because its sender died has its Message-ID, so that a mailbox shows it once.
  for (const [fact, ids] of told) if (ids.size > 1) wrong.push(`${fact} was told ${ids.size} times`);
  return wrong;
}
