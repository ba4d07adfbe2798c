import type { TimelineEntry } from '../contracts/timeline.ts';
import type { Queryable } from '../db/transaction.ts';
import type { BookingId } from '../ids.ts';

/** A row of a source's statement. */
export interface TimelineRow {
  /** As MICROSECONDS of db/instant.ts writes it. */
  readonly at: string;
  readonly type: string;
  readonly cause: string | null;
  readonly summary: string;
  readonly data: Record<string, unknown>;
  /** For operators only: keys, errors of other programs. */
  readonly inner: Record<string, unknown> | null;
}

/** Finds what a service knows of a booking, in the order in which it happened. */
export type TimelineSource = (db: Queryable, bookingId: BookingId) => Promise<readonly TimelineRow[]>;

/** Makes entries of rows; `inner` is left out for customers. */
export function toEntries(
  source: TimelineEntry['source'],
  rows: readonly TimelineRow[],
  forOperator: boolean,
): TimelineEntry[] {
  return rows.map(({ at, type, cause, summary, data, inner }) => ({
    ...{ at, source, type, cause, summary },
    data: forOperator ? { ...data, ...inner } : data,
  }));
}

/** Entries of several parts in order of time; those of one moment stay as their parts have them. */
export function inOrder(parts: readonly (readonly TimelineEntry[])[]): TimelineEntry[] {
  return parts.flat().sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}
