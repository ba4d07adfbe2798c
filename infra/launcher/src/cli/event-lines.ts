import { eventEnvelope } from '@holdfast/shared/contracts/event-envelope';
import type { Heard } from '@holdfast/shared/bus/listen';

/**
 * What nobody reads over a shoulder: who somebody is and how to reach them, tokens, the codes of tickets, and the whole messages inside
 * of dead letters, which have all of these.
 */
const PERSONAL = new Set(['contact', 'email', 'name', 'phone', 'sealed_token', 'code', 'payload']);
const HIDDEN = '[redacted]';

/** The value with everything personal replaced, however deep it stands. */
export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, PERSONAL.has(key) ? HIDDEN : redacted(inner)]),
  );
}

/** What an event says beside whose it is, in the order in which it is shown. */
const TELLING = ['amount', 'currency', 'attempt', 'refund_id', 'reason', 'decline_reason', 'hold_expires_at', 'error'];

/**
 * Makes a line of each event, for people or as JSON. It remembers references: events of the money know a booking by its id alone, so
 * they show its reference once another event has told it.
 */
export function eventLiner(asJson: boolean): (heard: Heard) => string {
  const references = new Map<string, string>();
  return ({ subject, payload }) => {
    const parsed = eventEnvelope.safeParse(parseOrUndefined(payload));
    // What is no event of ours is not shown as it is: nobody knows what stands in it.
    if (!parsed.success) {
      return asJson
        ? JSON.stringify({ subject, unreadable: true })
        : `${subject}  cannot be read, ${payload.length} characters`;
    }
    const event = parsed.data;
    const data = (event.data ?? {}) as Record<string, unknown>;
    const bookingId = typeof data['booking_id'] === 'string' ? data['booking_id'] : undefined;
    if (bookingId !== undefined && typeof data['reference'] === 'string') references.set(bookingId, data['reference']);
    const reference = bookingId === undefined ? null : (references.get(bookingId) ?? null);
    if (asJson) return JSON.stringify({ subject, reference, event: redacted(event) });
    const name = event.type.replace(/^holdfast\.(.+)\.v\d+$/, '$1');
    const told = TELLING.filter((key) => ['string', 'number'].includes(typeof data[key])).map((key) =>
      String(data[key]),
    );
    return [event.time, name.padEnd(32), reference ?? bookingId ?? event.subject, told.join(' ')].join('  ').trimEnd();
  };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `30s`, `10m`, `2h`, `1d` before `now`, or an RFC 3339 time. Undefined for anything else. */
export function sinceOf(text: string, now: Date): Date | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    return new Date(now.getTime() - Number(count) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's']);
  }
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}
