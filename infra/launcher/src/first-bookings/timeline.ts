/** One moment of a booking. `at` is a time in milliseconds since the epoch. */
export interface Moment {
  readonly at: number;
  readonly source: string;
  readonly what: string;
}

export interface HistoryEntry {
  readonly from: string | null;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly at: string;
}

export interface PaymentAttempt {
  readonly number: number;
  readonly status: string;
  readonly payment_method: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface ReceivedMail {
  readonly id: string;
  readonly to: unknown;
  readonly subject: string;
  readonly received_at: string;
  readonly text?: string;
}

/** A booking's history, its payment's attempts and its mail as moments; the order is that of their times. */
export function momentsOf(
  history: readonly HistoryEntry[],
  attempts: readonly PaymentAttempt[],
  mail: ReceivedMail,
): Moment[] {
  return [
    ...history.map((entry) => ({
      at: Date.parse(entry.at),
      source: 'booking',
      what: `${entry.from === null ? '' : `${entry.from} → `}${entry.to} (${entry.reason})`,
    })),
    ...attempts.flatMap((attempt) => [
      {
        at: Date.parse(attempt.created_at),
        source: 'payment',
        what: `attempt ${attempt.number} with ${attempt.payment_method}`,
      },
      { at: Date.parse(attempt.updated_at), source: 'payment', what: `attempt ${attempt.number} is ${attempt.status}` },
    ]),
    { at: Date.parse(mail.received_at), source: 'mail', what: `received: ${mail.subject}` },
  ];
}

/** Lines `   12 ms  booking  HELD …`, oldest first, counted from `zero`. */
export function timelineLines(moments: readonly Moment[], zero: number): string[] {
  return moments
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, source, what }) => `${String(Math.round(at - zero)).padStart(6)} ms  ${source.padEnd(8)} ${what}`);
}
